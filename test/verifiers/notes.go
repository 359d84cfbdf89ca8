// Signed notes: keys, checkpoints, cosignatures.
package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	formats "github.com/transparency-dev/formats/log"
	cosignatures "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// head is a tree head that a log's key has signed.
type head struct {
	origin string
	tree   tlog.Tree
	note   *note.Note
}

// openHead opens a signed checkpoint. Beyond what note.Open asks it takes signatures in their one spelling only.
func openHead(data []byte, vkey string, others ...note.Verifier) (*head, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("the key: %w", err)
	}
	opened, err := note.Open(data, note.VerifierList(append(others, verifier)...))
	if err != nil {
		return nil, err
	}
	ours := 0
	for _, signature := range append(opened.Sigs, opened.UnverifiedSigs...) {
		if _, err := base64.StdEncoding.Strict().DecodeString(signature.Base64); err != nil {
			return nil, fmt.Errorf("a signature of %s: %w", signature.Name, err)
		}
	}
	for _, signature := range opened.Sigs {
		if signature.Name == verifier.Name() && signature.Hash == verifier.KeyHash() {
			ours++
		}
	}
	if ours != 1 {
		return nil, errors.New("the log has not signed it")
	}
	var parsed formats.Checkpoint
	rest, err := parsed.Unmarshal([]byte(opened.Text))
	if err != nil {
		return nil, err
	}
	if len(rest) != 0 || len(parsed.Hash) != tlog.HashSize || string(parsed.Marshal()) != opened.Text {
		return nil, errors.New("not the three lines of a checkpoint")
	}
	if parsed.Origin != verifier.Name() {
		return nil, errors.New("the checkpoint of another log than the key's")
	}
	return &head{parsed.Origin, tlog.Tree{N: int64(parsed.Size), Hash: tlog.Hash(parsed.Hash)}, opened}, nil
}

func checkKey(arguments []string) (string, error) {
	verifier, err := note.NewVerifier(arguments[0])
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("a verifier key of %s, id %08x", verifier.Name(), verifier.KeyHash()), nil
}

func checkCheckpoint(arguments []string) (string, error) {
	data, err := os.ReadFile(arguments[0])
	if err != nil {
		return "", err
	}
	signed, err := openHead(data, arguments[1])
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d records of %s, root %v", signed.tree.N, signed.origin, signed.tree.Hash), nil
}

func checkCosignature(arguments []string) (string, error) {
	data, err := os.ReadFile(arguments[0])
	if err != nil {
		return "", err
	}
	witness, err := cosignatures.NewVerifierForCosignatureV1(arguments[2])
	if err != nil {
		return "", fmt.Errorf("the witness's key: %w", err)
	}
	signed, err := openHead(data, arguments[1], witness)
	if err != nil {
		return "", err
	}
	for _, signature := range signed.note.Sigs {
		if signature.Name != witness.Name() || signature.Hash != witness.KeyHash() {
			continue
		}
		at, err := cosignatures.CoSigV1Timestamp(signature)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d records, cosigned at %d by %s", signed.tree.N, at.Unix(), witness.Name()), nil
	}
	return "", errors.New("the witness has not cosigned it")
}

// decodeHash reads a hash in its one spelling.
func decodeHash(text string) (tlog.Hash, error) {
	bytes, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(bytes) != tlog.HashSize || strings.ContainsAny(text, "\r\n") {
		return tlog.Hash{}, fmt.Errorf("not a hash: %q", text)
	}
	return tlog.Hash(bytes), nil
}
