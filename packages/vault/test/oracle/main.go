// Oracle for the transparency log: `vectors` prints trees and proofs made by Go's sumdb packages,
// `check` reads checkpoints, tiles and proofs of ours and verifies them.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proofCase struct {
	Size  int64    `json:"size"`
	Other int64    `json:"other"`
	Proof []string `json:"proof"`
}

type vectors struct {
	Signer      string      `json:"signerKey"`
	Verifier    string      `json:"verifierKey"`
	Note        string      `json:"note"`
	Records     []string    `json:"records"`
	Stored      []string    `json:"storedHashes"`
	Roots       []string    `json:"roots"`
	Inclusion   []proofCase `json:"inclusion"`
	Consistency []proofCase `json:"consistency"`
}

type claim struct {
	Checkpoint string            `json:"checkpoint"`
	Verifier   string            `json:"verifierKey"`
	Leaves     []string          `json:"leaves"`
	Inclusion  []proofCase       `json:"inclusion"`
	Tree       []proofCase       `json:"consistency"`
	OldRoots   map[string]string `json:"oldRoots"`
	Tiles      map[string]string `json:"tiles"`
}

type storage []tlog.Hash

func (s storage) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = s[index]
	}
	return out, nil
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func require(err error) { must(0, err) }

func encode(h tlog.Hash) string { return base64.StdEncoding.EncodeToString(h[:]) }

func encodeAll(hashes []tlog.Hash) []string {
	out := []string{}
	for _, h := range hashes {
		out = append(out, encode(h))
	}
	return out
}

func decode(text string) tlog.Hash { return must(tlog.ParseHash(text)) }

func decodeAll(texts []string) []tlog.Hash {
	var out []tlog.Hash
	for _, text := range texts {
		out = append(out, decode(text))
	}
	return out
}

type steady struct{ state [32]byte }

// Read gives repeatable bytes, so that the recorded key is always the same.
func (s *steady) Read(p []byte) (int, error) {
	for i := range p {
		if i%32 == 0 {
			s.state = sha256.Sum256(s.state[:])
		}
		p[i] = s.state[i%32]
	}
	return len(p), nil
}

func makeVectors() {
	var v vectors
	var s storage
	signer, verifier, err := note.GenerateKey(&steady{}, "merlon.example/log")
	require(err)
	v.Signer, v.Verifier = signer, verifier
	for n := int64(0); n < 70; n++ {
		v.Roots = append(v.Roots, encode(must(tlog.TreeHash(n, s))))
		record := []byte(strings.Repeat(fmt.Sprintf("record %d\n", n), int(n%3)))
		v.Records = append(v.Records, base64.StdEncoding.EncodeToString(record))
		hashes := must(tlog.StoredHashes(n, record, s))
		s = append(s, hashes...)
	}
	v.Roots = append(v.Roots, encode(must(tlog.TreeHash(70, s))))
	v.Stored = encodeAll(s)
	for _, size := range []int64{1, 2, 3, 7, 8, 33, 70} {
		for _, other := range []int64{0, 1, size / 2, size - 2, size - 1} {
			if other >= 0 && other < size {
				proof := must(tlog.ProveRecord(size, other, s))
				v.Inclusion = append(v.Inclusion, proofCase{size, other, encodeAll(proof)})
			}
			if other > 0 && other <= size {
				proof := must(tlog.ProveTree(size, other, s))
				v.Consistency = append(v.Consistency, proofCase{size, other, encodeAll(proof)})
			}
		}
	}
	text := "merlon.example/log\n70\n" + v.Roots[70] + "\n"
	v.Note = string(must(note.Sign(&note.Note{Text: text}, must(note.NewSigner(signer)))))
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	require(encoder.Encode(v))
}

func check() {
	var c claim
	require(json.NewDecoder(os.Stdin).Decode(&c))
	known := note.VerifierList(must(note.NewVerifier(c.Verifier)))
	opened := must(note.Open([]byte(c.Checkpoint), known))
	lines := strings.Split(opened.Text, "\n")
	var size int64
	must(fmt.Sscan(lines[1], &size))
	root := decode(lines[2])
	var s storage
	for n, leaf := range c.Leaves {
		s = append(s, must(tlog.StoredHashesForRecordHash(int64(n), decode(leaf), s))...)
	}
	if size != int64(len(c.Leaves)) || must(tlog.TreeHash(size, s)) != root {
		require(fmt.Errorf("root of %d records differs", size))
	}
	for _, p := range c.Inclusion {
		proof := tlog.RecordProof(decodeAll(p.Proof))
		require(tlog.CheckRecord(proof, p.Size, root, p.Other, decode(c.Leaves[p.Other])))
	}
	for _, p := range c.Tree {
		old := decode(c.OldRoots[fmt.Sprint(p.Other)])
		require(tlog.CheckTree(tlog.TreeProof(decodeAll(p.Proof)), p.Size, root, p.Other, old))
	}
	for path, data := range c.Tiles {
		// C2SP leaves the height out of the path that Go writes.
		tile := must(tlog.ParseTilePath("tile/8/" + strings.TrimPrefix(path, "tile/")))
		ours := must(base64.StdEncoding.DecodeString(data))
		if string(must(tlog.ReadTileData(tile, s))) != string(ours) {
			require(fmt.Errorf("tile %s differs", path))
		}
	}
	fmt.Println("ok")
}

// witness verifies cosignature/v1 lines (C2SP), which note itself does not know.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }
func (w witness) Verify(msg, sig []byte) bool {
	if len(sig) != 72 {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(w.key, append([]byte(head), msg...), sig[8:])
}

func readWitness(text string) witness {
	parts := strings.SplitN(text, "+", 3)
	hash := must(strconv.ParseUint(parts[1], 16, 32))
	key := must(base64.StdEncoding.DecodeString(parts[2]))
	if key[0] != 4 || len(key) != 33 {
		require(fmt.Errorf("no witness key"))
	}
	return witness{parts[0], uint32(hash), key[1:]}
}

type single struct {
	Proof    string `json:"proof"`
	Leaf     string `json:"leaf"`
	Verifier string `json:"verifierKey"`
	Witness  string `json:"witnessKey"`
}

// checkSingle verifies a tlog-proof of one record, and a witness where one is named.
func checkSingle() {
	var c single
	require(json.NewDecoder(os.Stdin).Decode(&c))
	head, checkpoint, _ := strings.Cut(c.Proof, "\n\n")
	lines := strings.Split(head, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		require(fmt.Errorf("no proof"))
	}
	index := must(strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64))
	verifiers := []note.Verifier{must(note.NewVerifier(c.Verifier))}
	if c.Witness != "" {
		verifiers = append(verifiers, readWitness(c.Witness))
	}
	opened := must(note.Open([]byte(checkpoint), note.VerifierList(verifiers...)))
	if len(opened.Sigs) != len(verifiers) {
		require(fmt.Errorf("%d of %d signed", len(opened.Sigs), len(verifiers)))
	}
	text := strings.Split(opened.Text, "\n")
	size := must(strconv.ParseInt(text[1], 10, 64))
	proof := tlog.RecordProof(decodeAll(lines[2:]))
	leaf := tlog.RecordHash([]byte(c.Leaf))
	require(tlog.CheckRecord(proof, size, decode(text[2]), index, leaf))
	fmt.Println("ok")
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "single" {
		checkSingle()
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "vectors" {
		makeVectors()
		return
	}
	check()
}
