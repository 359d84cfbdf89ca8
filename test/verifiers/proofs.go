// Proofs that need no log at hand: inclusion of a record, consistency of two tree heads, evidence of a fork.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"
)

// checkInclusion checks a C2SP tlog-proof: the record is its extra data.
func checkInclusion(arguments []string) (string, error) {
	data, err := os.ReadFile(arguments[0])
	if err != nil {
		return "", err
	}
	var file proof.TLogProof
	if err := file.Unmarshal(data); err != nil {
		return "", err
	}
	if !bytes.Equal(file.Marshal(), data) {
		return "", errors.New("a proof in another spelling")
	}
	signed, err := openHead(file.Checkpoint, arguments[1])
	if err != nil {
		return "", err
	}
	path := make(tlog.RecordProof, len(file.Hashes))
	for i, hash := range file.Hashes {
		path[i] = hash
	}
	record := tlog.RecordHash(file.ExtraData)
	if err := tlog.CheckRecord(path, signed.tree.N, signed.tree.Hash, int64(file.Index), record); err != nil {
		return "", err
	}
	seq, err := recordNumber(file.ExtraData)
	if err != nil {
		return "", err
	}
	if seq != int64(file.Index) {
		return "", fmt.Errorf("record %d at index %d", seq, file.Index)
	}
	return fmt.Sprintf("record %d is among the first %d of %s", seq, signed.tree.N, signed.origin), nil
}

// recordNumber reads the number that the envelope of a record states: DAG-CBOR, as any IPLD library reads it.
func recordNumber(envelope []byte) (int64, error) {
	builder := basicnode.Prototype.Map.NewBuilder()
	if err := dagcbor.Decode(builder, bytes.NewReader(envelope)); err != nil {
		return 0, err
	}
	seq, err := builder.Build().LookupByString("seq")
	if err != nil {
		return 0, err
	}
	return seq.AsInt()
}

// consistency is a consistency file: format/README.md says how it is written.
type consistency struct {
	oldSize int64
	oldRoot tlog.Hash
	found   *tlog.Hash
	path    tlog.TreeProof
	newNote []byte
	oldNote []byte
}

func readConsistency(name string) (*consistency, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	parts := strings.Split(string(data), "\n\n")
	if len(parts) != 3 && len(parts) != 5 {
		return nil, errors.New("neither one nor two checkpoints")
	}
	lines := strings.Split(parts[0], "\n")
	if len(lines) < 2 || lines[0] != "sentientos.invalid/tlog-consistency@v1" {
		return nil, errors.New("not a consistency file")
	}
	file := &consistency{newNote: []byte(parts[1] + "\n\n" + parts[2])}
	if len(parts) == 5 {
		file.newNote = append(file.newNote, '\n')
		file.oldNote = []byte(parts[3] + "\n\n" + parts[4])
	}
	old := strings.Split(lines[1], " ")
	if len(old) != 3 || old[0] != "old" {
		return nil, errors.New("no older tree")
	}
	if file.oldSize, err = strconv.ParseInt(old[1], 10, 64); err != nil || strconv.FormatInt(file.oldSize, 10) != old[1] {
		return nil, errors.New("a bad size")
	}
	if file.oldRoot, err = decodeHash(old[2]); err != nil {
		return nil, err
	}
	for i, line := range lines[2:] {
		text, isFound := strings.CutPrefix(line, "found ")
		hash, err := decodeHash(text)
		if err != nil {
			return nil, err
		}
		if isFound && i == 0 {
			file.found = &hash
		} else if isFound {
			return nil, errors.New("found in the middle")
		} else {
			file.path = append(file.path, hash)
		}
	}
	return file, nil
}

// heads opens the two checkpoints of the file; the older one is nil when the file has only its root.
func (file *consistency) heads(vkey string) (newer, older *head, err error) {
	if newer, err = openHead(file.newNote, vkey); err != nil {
		return nil, nil, err
	}
	if file.oldNote == nil {
		return newer, nil, nil
	}
	if older, err = openHead(file.oldNote, vkey); err != nil {
		return nil, nil, fmt.Errorf("the older checkpoint: %w", err)
	}
	if older.tree.N != file.oldSize || older.tree.Hash != file.oldRoot {
		return nil, nil, errors.New("the older checkpoint is not what the file says it is")
	}
	return newer, older, nil
}

func checkConsistency(arguments []string) (string, error) {
	file, err := readConsistency(arguments[0])
	if err != nil {
		return "", err
	}
	newer, _, err := file.heads(arguments[1])
	if err != nil {
		return "", err
	}
	if file.found != nil {
		return "", errors.New("the file says itself that it does not hold")
	}
	if err := tlog.CheckTree(file.path, newer.tree.N, newer.tree.Hash, file.oldSize, file.oldRoot); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d records begin with the older %d", newer.tree.N, file.oldSize), nil
}

// checkFork is satisfied when one key has signed two tree heads that no one history has: two roots of one size, or a
// newer tree that provably begins with another tree than the older one.
func checkFork(arguments []string) (string, error) {
	file, err := readConsistency(arguments[0])
	if err != nil {
		return "", err
	}
	newer, older, err := file.heads(arguments[1])
	if err != nil {
		return "", err
	}
	if older == nil {
		return "", errors.New("only one of the histories is signed")
	}
	if older.tree.N == newer.tree.N {
		if older.tree.Hash == newer.tree.Hash || file.found != nil || len(file.path) != 0 {
			return "", errors.New("twice the same tree, or a proof where none belongs")
		}
		return fmt.Sprintf("fork: two roots of %d records, both signed by %s", newer.tree.N, newer.origin), nil
	}
	if file.found == nil || *file.found == older.tree.Hash {
		return "", errors.New("no other beginning is shown")
	}
	if err := tlog.CheckTree(file.path, newer.tree.N, newer.tree.Hash, older.tree.N, *file.found); err != nil {
		return "", fmt.Errorf("the other beginning: %w", err)
	}
	if tlog.CheckTree(file.path, newer.tree.N, newer.tree.Hash, older.tree.N, older.tree.Hash) == nil {
		return "", errors.New("the newer tree begins with the older one")
	}
	return fmt.Sprintf("fork: %d and %d records, both signed by %s", older.tree.N, newer.tree.N, newer.origin), nil
}
