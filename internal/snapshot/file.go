package snapshot

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"
	"time"
)

// Format is the version of the format that is written.
const Format = 1

// Header says what a snapshot is of.
type Header struct {
	Format  int       `json:"format"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"` // by the machine's clock
	Clock   time.Time `json:"clock"`   // what the model clock showed
	Stopped bool      `json:"stopped"` // and whether it stood still
	Version uint64    `json:"version"` // of the store: no stamp in it is greater
	Account string    `json:"account"`
	Code    bool      `json:"code"` // functions' code is in it
	Uses    []string  `json:"uses"` // digests of the code that its functions have
	Program string    `json:"program"`
	Master  string    `json:"master,omitempty"` // the master key of the store's secrets, where the cloud had made it itself
}

const (
	headerName = "snapshot.json"
	endName    = "end.json"
	storeDir   = "store/"

	maxChunk = 4 << 20 // of the store's files, but for a pair that is larger
	maxPart  = 1 << 24 // of a key or a value: far above the store's own limits
	maxJSON  = 1 << 20
)

// end is what the last entry says.
type end struct {
	Pairs  uint64 `json:"pairs"`
	Files  uint64 `json:"files"`
	SHA256 string `json:"sha256"`
}

// ErrDamaged is wrapped by the errors of files that are not whole, or no
// snapshots.
var ErrDamaged = errors.New("not a whole snapshot")

// Writer writes a snapshot. The store's pairs come first.
type Writer struct {
	tar   *tar.Writer
	sum   hash.Hash
	chunk []byte
	n     int // chunks so far
	end   end
}

// NewWriter begins a snapshot.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	h.Format = Format
	out := &Writer{tar: tar.NewWriter(w), sum: sha256.New()}
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return nil, err
	}
	return out, out.entry(headerName, 0o600, int64(len(text)), bytes.NewReader(text))
}

// Pair adds a pair of the store.
func (w *Writer) Pair(key, value []byte) error {
	for _, part := range [][]byte{key, value} {
		w.chunk = binary.AppendUvarint(w.chunk, uint64(len(part)))
		w.chunk = append(w.chunk, part...)
	}
	w.end.Pairs++
	if len(w.chunk) >= maxChunk {
		return w.flush()
	}
	return nil
}

func (w *Writer) flush() error {
	if len(w.chunk) == 0 {
		return nil
	}
	w.n++
	err := w.entry(fmt.Sprintf("%s%08d", storeDir, w.n), 0o600, int64(len(w.chunk)), bytes.NewReader(w.chunk))
	w.chunk = w.chunk[:0]
	return err
}

// File adds a file of size bytes, of which r must have as many.
func (w *Writer) File(name string, mode int64, size int64, r io.Reader) error {
	if err := w.flush(); err != nil {
		return err
	}
	if !fileName(name) {
		return fmt.Errorf("snapshot: %q cannot be a file in one", name)
	}
	w.end.Files++
	return w.entry(name, mode, size, r)
}

func (w *Writer) entry(name string, mode, size int64, r io.Reader) error {
	if err := w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: size}); err != nil {
		return fmt.Errorf("snapshot: %s: %w", name, err)
	}
	if _, err := io.CopyN(io.MultiWriter(w.tar, w.sum), r, size); err != nil {
		return fmt.Errorf("snapshot: %s: %w", name, err)
	}
	w.sum.Write([]byte(name))
	return nil
}

// Close ends the snapshot.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	w.end.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	text, err := json.Marshal(w.end)
	if err != nil {
		return err
	}
	if err := w.entry(endName, 0o600, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	return w.tar.Close()
}

// fileName reports whether a name is one of a file, below a directory of its own
// kind and nowhere else.
func fileName(name string) bool {
	return (strings.HasPrefix(name, "records/") || strings.HasPrefix(name, "code/")) && path.Clean(name) == name && !strings.ContainsAny(name, "\\\x00")
}

// Reader reads a snapshot.
type Reader struct {
	Header Header
	tar    *tar.Reader
	sum    hash.Hash
	end    end
}

// NewReader reads the header of a snapshot.
func NewReader(r io.Reader) (*Reader, error) {
	in := &Reader{tar: tar.NewReader(r), sum: sha256.New()}
	h, err := in.tar.Next()
	if err != nil || h.Name != headerName || h.Size > maxJSON {
		return nil, fmt.Errorf("snapshot: it begins with no %s: %w", headerName, ErrDamaged)
	}
	text, err := io.ReadAll(io.TeeReader(in.tar, in.sum))
	if err == nil {
		err = json.Unmarshal(text, &in.Header)
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot: %s: %w: %w", headerName, ErrDamaged, err)
	}
	in.sum.Write([]byte(headerName))
	if in.Header.Format != Format {
		return nil, fmt.Errorf("snapshot: it has format %d, and this program reads format %d", in.Header.Format, Format)
	}
	return in, nil
}

// Each hands out all pairs and then all files, and returns nil if that was all
// of it. What pair is given it may keep.
func (r *Reader) Each(pair func(key, value []byte) error, file func(name string, mode, size int64, r io.Reader) error) error {
	for {
		h, err := r.tar.Next()
		if err != nil {
			return fmt.Errorf("snapshot: it has no end: %w: %w", ErrDamaged, err)
		}
		if h.Name == endName {
			return r.ended(h)
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("snapshot: %s is no file: %w", h.Name, ErrDamaged)
		}
		body := io.TeeReader(r.tar, r.sum)
		switch {
		case strings.HasPrefix(h.Name, storeDir):
			err = r.pairs(body, h.Size, pair)
		case fileName(h.Name):
			r.end.Files++
			err = file(h.Name, h.Mode, h.Size, body)
		default:
			err = ErrDamaged
		}
		if err == nil {
			_, err = io.Copy(io.Discard, body) // what was not looked at counts too
		}
		if err != nil {
			return fmt.Errorf("snapshot: %s: %w", h.Name, err)
		}
		r.sum.Write([]byte(h.Name))
	}
}

// pairs reads one file of the store.
func (r *Reader) pairs(body io.Reader, size int64, pair func(key, value []byte) error) error {
	if size > maxChunk+2*maxPart {
		return ErrDamaged
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	for len(b) > 0 {
		var parts [2][]byte
		for i := range parts {
			n, used := binary.Uvarint(b)
			if used <= 0 || n > maxPart || uint64(len(b)-used) < n {
				return ErrDamaged
			}
			end := used + int(n)
			parts[i], b = b[used:end:end], b[end:]
		}
		r.end.Pairs++
		if err := pair(parts[0], parts[1]); err != nil {
			return err
		}
	}
	return nil
}

// ended compares the end with what was read.
func (r *Reader) ended(h *tar.Header) error {
	var want end
	if h.Size > maxJSON {
		return fmt.Errorf("snapshot: %s: %w", endName, ErrDamaged)
	}
	text, err := io.ReadAll(r.tar)
	if err == nil {
		err = json.Unmarshal(text, &want)
	}
	r.end.SHA256 = hex.EncodeToString(r.sum.Sum(nil))
	if err != nil || want != r.end {
		return fmt.Errorf("snapshot: its content is not what its end says: %w", ErrDamaged)
	}
	return nil
}
