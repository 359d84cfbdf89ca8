// A whole log in the layout of C2SP tlog-tiles, read from a directory as a web server would serve it.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// tilePath is the path of a tile: that of Go's checksum database without the height, in which the two layouts differ.
func tilePath(tile tlog.Tile, kind string) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	if kind != "" {
		path = kind + strings.TrimPrefix(path, fmt.Sprint(tile.L))
	}
	return "tile/" + path
}

// tileFiles lets tlog.TileHashReader read the tiles of a directory; it checks them against the signed root.
type tileFiles struct{ directory string }

func (files tileFiles) Height() int { return tileHeight }

func (files tileFiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		var err error
		if data[i], err = os.ReadFile(filepath.Join(files.directory, tilePath(tile, ""))); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func (files tileFiles) SaveTiles([]tlog.Tile, [][]byte) {}

// checkTlog takes the log as a monitor would: the signed root, every entry below it, every tile, and proofs by tiles.
func checkTlog(arguments []string) (string, error) {
	directory := arguments[0]
	data, err := os.ReadFile(filepath.Join(directory, "checkpoint"))
	if err != nil {
		return "", err
	}
	signed, err := openHead(data, arguments[1])
	if err != nil {
		return "", err
	}
	stored := &hashes{}
	if err := readEntries(directory, signed.tree.N, stored); err != nil {
		return "", err
	}
	root, err := tlog.TreeHash(signed.tree.N, stored)
	if err != nil {
		return "", err
	}
	if root != signed.tree.Hash {
		return "", errors.New("the entries do not have the signed root")
	}
	tiles := tlog.NewTiles(tileHeight, 0, signed.tree.N)
	for _, tile := range tiles {
		want, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return "", err
		}
		path := tilePath(tile, "")
		got, err := os.ReadFile(filepath.Join(directory, path))
		if err != nil {
			return "", err
		}
		if !bytes.Equal(got, want) {
			return "", fmt.Errorf("%s does not hold the hashes of the entries", path)
		}
	}
	proofs, err := checkByTiles(directory, signed.tree, stored)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d entries, %d tiles, %d proofs of %s", signed.tree.N, len(tiles), proofs, signed.origin), nil
}

// hashes are the stored hashes of a tree, as tlog numbers them.
type hashes []tlog.Hash

func (stored *hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	read := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(*stored)) {
			return nil, errors.New("no such hash")
		}
		read[i] = (*stored)[index]
	}
	return read, nil
}

// readEntries reads all bundles: each entry is preceded by its length in two bytes, big-endian.
func readEntries(directory string, size int64, stored *hashes) error {
	for _, tile := range tlog.NewTiles(tileHeight, 0, size) {
		if tile.L != 0 {
			continue
		}
		path := tilePath(tile, "entries")
		bundle, err := os.ReadFile(filepath.Join(directory, path))
		if err != nil {
			return err
		}
		for i := range int64(tile.W) {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("%s ends too early", path)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			entry := bundle[2 : 2+length]
			bundle = bundle[2+length:]
			n := tile.N<<tileHeight + i
			if seq, err := recordNumber(entry); err != nil || seq != n {
				return fmt.Errorf("%s: entry %d is not the envelope of record %d: %v", path, i, n, err)
			}
			added, err := tlog.StoredHashes(n, entry, stored)
			if err != nil {
				return err
			}
			*stored = append(*stored, added...)
		}
		if len(bundle) != 0 {
			return fmt.Errorf("%s goes on behind its last entry", path)
		}
	}
	return nil
}

// checkByTiles makes proofs from the tiles alone, which TileHashReader checks against the signed root.
func checkByTiles(directory string, tree tlog.Tree, stored *hashes) (int, error) {
	reader := tlog.TileHashReader(tree, tileFiles{directory})
	step := 1 + tree.N/64
	proofs := 0
	for n := int64(0); n < tree.N; n += step {
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return 0, err
		}
		leaf, err := stored.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaf[0]); err != nil {
			return 0, err
		}
		old, err := tlog.TreeHash(n+1, stored)
		if err != nil {
			return 0, err
		}
		consistent, err := tlog.ProveTree(tree.N, n+1, reader)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckTree(consistent, tree.N, tree.Hash, n+1, old); err != nil {
			return 0, err
		}
		proofs += 2
	}
	return proofs, nil
}
