// A CAR file, read block by block by go-car with BLAKE3 registered; every block is held against its CID, and all that
// the root links to must be there, each block once and none besides.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ipfs/go-cid"
	car "github.com/ipld/go-car/v2"
	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/ipld/go-ipld-prime/traversal"
	"github.com/multiformats/go-multihash"
	_ "github.com/multiformats/go-multihash/register/blake3"
)

func checkCar(arguments []string) (string, error) {
	root, err := cid.Decode(arguments[1])
	if err != nil {
		return "", err
	}
	file, err := os.Open(arguments[0])
	if err != nil {
		return "", err
	}
	defer file.Close()
	if err := checkHeader(file); err != nil {
		return "", fmt.Errorf("the header: %w", err)
	}
	reader, err := car.NewBlockReader(file)
	if err != nil {
		return "", err
	}
	if reader.Version != 1 || len(reader.Roots) != 1 || !reader.Roots[0].Equals(root) {
		return "", fmt.Errorf("version %d with roots %v", reader.Version, reader.Roots)
	}
	// A block comes behind one that links to it: so one that nothing has asked for is too many.
	wanted := map[cid.Cid]bool{root: true}
	total := 0
	for {
		block, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		name := block.Cid()
		missing, known := wanted[name]
		if !known || !missing {
			return "", fmt.Errorf("%v comes twice, or nothing before links to it", name)
		}
		wanted[name] = false
		total += len(block.RawData())
		links, err := linksOf(name, block.RawData())
		if err != nil {
			return "", fmt.Errorf("%v: %w", name, err)
		}
		for _, link := range links {
			if _, known := wanted[link]; !known {
				wanted[link] = true
			}
		}
	}
	for name, missing := range wanted {
		if missing {
			return "", fmt.Errorf("%v is missing", name)
		}
	}
	return fmt.Sprintf("%d blocks, %d bytes, all below %v", len(wanted), total, root), nil
}

func linksOf(name cid.Cid, data []byte) ([]cid.Cid, error) {
	prefix := name.Prefix()
	if prefix.Version != 1 || prefix.MhType != multihash.BLAKE3 || prefix.MhLength != 32 {
		return nil, errors.New("not a CIDv1 of BLAKE3")
	}
	switch prefix.Codec {
	case cid.Raw:
		return nil, nil
	case cid.DagCBOR:
	default:
		return nil, fmt.Errorf("codec %x", prefix.Codec)
	}
	node, err := decodeStrictly(data)
	if err != nil {
		return nil, err
	}
	return cidsOf(node)
}

// decodeStrictly takes DAG-CBOR in its one form: that a decoder is lenient must not be why something passes.
func decodeStrictly(data []byte) (datamodel.Node, error) {
	builder := basicnode.Prototype.Any.NewBuilder()
	if err := dagcbor.Decode(builder, bytes.NewReader(data)); err != nil {
		return nil, err
	}
	node := builder.Build()
	var again bytes.Buffer
	if err := dagcbor.Encode(node, &again); err != nil {
		return nil, err
	}
	if !bytes.Equal(again.Bytes(), data) {
		return nil, errors.New("not in the one form of DAG-CBOR")
	}
	return node, nil
}

// checkHeader reads the header as DAG-CBOR too, as go-car's own reader of it is lenient, and goes back to the start.
func checkHeader(file io.ReadSeeker) error {
	start := make([]byte, 256)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	length, width := binary.Uvarint(start[:n])
	if width <= 0 || length > uint64(n-width) {
		return errors.New("too long for one root")
	}
	if _, err := decodeStrictly(start[width : width+int(length)]); err != nil {
		return err
	}
	_, err = file.Seek(0, io.SeekStart)
	return err
}

func cidsOf(node datamodel.Node) ([]cid.Cid, error) {
	links, err := traversal.SelectLinks(node)
	if err != nil {
		return nil, err
	}
	names := make([]cid.Cid, 0, len(links))
	for _, link := range links {
		name, isCid := link.(cidlink.Link)
		if !isCid {
			return nil, fmt.Errorf("a link that is no CID: %v", link)
		}
		names = append(names, name.Cid)
	}
	return names, nil
}
