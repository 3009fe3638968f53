package catalog

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/wimigrate/wimigrate/internal/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// protobufMagic begins every protobuf body of an API server; a runtime.Unknown follows, whose raw field is the object.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
const protobufMagic = "k8s\x00"

// Field numbers of runtime.Unknown and of every list type.
const (
	unknownRaw   = 2
	listMetadata = 1
	listItems    = 2
)

// readProtobufList reads a list as a stream, item by item, and returns its continue token. item must not keep its argument.
func readProtobufList(r *bufio.Reader, item func([]byte) error) (token string, err error) {
	p := &protobufReader{r: r}
	magic := make([]byte, len(protobufMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != protobufMagic {
		return "", fmt.Errorf("the response is no protobuf of Kubernetes")
	}
	for {
		field, size, err := p.next()
		if errors.Is(err, io.EOF) {
			return "", fmt.Errorf("the response holds no list")
		}
		if err != nil {
			return "", err
		}
		if field == unknownRaw {
			return p.list(size, item)
		}
		if _, err := r.Discard(size); err != nil {
			return "", truncated(err)
		}
	}
}

// protobufReader reads fields; all that lists and their envelopes have are length-delimited or varints.
type protobufReader struct {
	r    *bufio.Reader
	read int // bytes of tags and sizes
	item []byte
}

// next reads the head of the next field. A varint field is passed over with its value.
func (p *protobufReader) next() (field, size int, err error) {
	for {
		tag, err := p.varint()
		if err != nil {
			return 0, 0, err
		}
		n, err := p.varint()
		if err != nil {
			return 0, 0, truncated(err)
		}
		switch tag & 7 {
		case 0:
			continue
		case 2:
			if n > manifest.MaxObject && tag>>3 != unknownRaw || n > 1<<40 {
				return 0, 0, fmt.Errorf("object of %d bytes in the response", n)
			}
			return int(tag >> 3), int(n), nil
		}
		return 0, 0, fmt.Errorf("the response is no protobuf of Kubernetes: wire type %d", tag&7)
	}
}

func (p *protobufReader) varint() (uint64, error) {
	n, err := binary.ReadUvarint(countingReader{p})
	return n, err
}

// countingReader counts the bytes of tags and sizes.
type countingReader struct{ p *protobufReader }

// ReadByte implements io.ByteReader.
func (c countingReader) ReadByte() (byte, error) {
	b, err := c.p.r.ReadByte()
	if err == nil {
		c.p.read++
	}
	return b, err
}

// list reads the fields of a list of the given size.
func (p *protobufReader) list(size int, item func([]byte) error) (token string, err error) {
	p.read = 0
	for p.read < size {
		field, n, err := p.next()
		if err != nil {
			return "", truncated(err)
		}
		if p.read += n; p.read > size || n > manifest.MaxObject {
			return "", fmt.Errorf("object of %d bytes in the response", n)
		}
		if cap(p.item) < n {
			p.item = make([]byte, n+n/2)
		}
		data := p.item[:n]
		if _, err := io.ReadFull(p.r, data); err != nil {
			return "", truncated(err)
		}
		switch field {
		case listMetadata:
			var meta metav1.ListMeta
			if err := meta.Unmarshal(data); err != nil {
				return "", err
			}
			token = meta.Continue
		case listItems:
			if err := item(data); err != nil {
				return "", err
			}
		}
	}
	return token, nil
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
