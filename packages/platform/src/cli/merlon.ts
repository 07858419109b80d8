#!/usr/bin/env node
/** The command line of Merlon. */
console.log("hi", process.version)
