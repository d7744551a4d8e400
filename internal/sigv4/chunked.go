package sigv4

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// Body returns the body of a verified request as the application sent it: out
// of its chunks, and checked against what was signed. A failed check is an
// [*Error] in place of io.EOF, or at the end of the chunk that fails: whoever
// stores the data must not keep it before EOF.
//
// The length of the data is in the header X-Amz-Decoded-Content-Length when
// the body is in chunks.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
func (res *Result) Body(r io.Reader) *Body {
	b := &Body{kind: res.Payload, src: r}
	switch res.Payload {
	case PayloadHash:
		b.want, b.sum = res.hash, sha256.New()
	case PayloadChunks, PayloadChunksTrailer:
		b.signer = &chunkSigner{key: res.key, date: res.Date, scope: string(res.Auth.scope(nil)), last: res.Signature}
		b.sum = sha256.New()
		fallthrough
	case PayloadUnsignedTrailer:
		b.chunks = bufio.NewReaderSize(r, 4096)
	}
	return b
}

// A Body reads the data of a request.
type Body struct {
	kind   Payload
	src    io.Reader
	chunks *bufio.Reader // of a body in chunks
	signer *chunkSigner  // of signed chunks
	sum    hash.Hash     // of the body, or of the chunk
	want   string        // of the body, or the signature of the chunk

	left    int64 // bytes to come of the chunk
	inChunk bool
	size    int64 // of the chunk
	small   bool  // a chunk below the minimum came, which must be the last
	trailer map[string]string
	err     error
}

// Trailer returns a trailer of the body by its name in lower case, for example
// x-amz-checksum-crc32c. Trailers are known when Read has returned io.EOF.
func (b *Body) Trailer(name string) string { return b.trailer[name] }

// Read implements [io.Reader].
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.read(p)
	b.err = err
	return n, err
}

func (b *Body) read(p []byte) (int, error) {
	switch {
	case b.chunks != nil:
		return b.readChunk(p)
	case b.sum == nil:
		return b.src.Read(p)
	}
	n, err := b.src.Read(p)
	b.sum.Write(p[:n])
	if err == io.EOF {
		if got := hex.EncodeToString(b.sum.Sum(nil)); !strings.EqualFold(got, b.want) {
			return n, errPayloadMismatch()
		}
	}
	return n, err
}

const (
	maxChunkLine = 256     // a size and a signature
	maxTrailer   = 8 << 10 // all trailers together
	maxChunk     = 1 << 34 // 16 GiB: more than the largest part
	minChunk     = 8 << 10 // of every chunk but the last
)

func (b *Body) readChunk(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for !b.inChunk {
		last, err := b.nextChunk()
		if err != nil {
			return 0, err
		}
		if last {
			return 0, io.EOF
		}
	}
	n, err := b.chunks.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if b.signer != nil {
		b.sum.Write(p[:n])
	}
	if err != nil {
		return n, errTruncated(err)
	}
	if b.left > 0 {
		return n, nil
	}
	if err := b.endChunk(); err != nil {
		return n, err
	}
	return n, nil
}

// nextChunk reads "size;chunk-signature=hex CR LF", or for the last chunk all
// that follows it.
func (b *Body) nextChunk() (last bool, err error) {
	line, err := b.line(maxChunkLine)
	if err != nil {
		return false, err
	}
	size, ext, _ := strings.Cut(line, ";")
	if b.size, err = parseSize(size); err != nil {
		return false, err
	}
	if b.signer != nil {
		name, value, _ := strings.Cut(ext, "=")
		if name != "chunk-signature" || len(value) != 2*sha256.Size {
			return false, errChunk("a chunk has no signature")
		}
		b.want = value
		b.sum.Reset()
	}
	if b.small && b.size > 0 {
		return false, errSmallChunk()
	}
	if b.size > 0 {
		b.left, b.inChunk = b.size, true
		b.small = b.size < minChunk && b.signer != nil
		return false, nil
	}
	if err := b.checkChunk(); err != nil {
		return false, err
	}
	return true, b.trailers()
}

// endChunk checks a chunk whose data was read, and the line end behind it.
func (b *Body) endChunk() error {
	if line, err := b.line(0); err != nil {
		return err
	} else if line != "" {
		return errChunk("a chunk is longer than it says")
	}
	b.inChunk = false
	return b.checkChunk()
}

func (b *Body) checkChunk() error {
	if b.signer == nil {
		return nil
	}
	return b.signer.check("AWS4-HMAC-SHA256-PAYLOAD", b.want, b.sum.Sum(nil), true)
}

// trailers reads "name:value" lines up to an empty one. When they are signed,
// the signature comes last, over the lines with a line feed each.
func (b *Body) trailers() error {
	signed := false
	var canonical bytes.Buffer
	for left := maxTrailer; ; {
		line, err := b.line(left)
		if errors.Is(err, errEnd) {
			break // some clients leave the last empty line out
		}
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		left -= len(line)
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return errChunk("a trailer has no colon")
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "x-amz-trailer-signature" {
			if b.kind != PayloadChunksTrailer {
				return errChunk("trailers are signed and should not be")
			}
			sum := sha256.Sum256(canonical.Bytes())
			if err := b.signer.check("AWS4-HMAC-SHA256-TRAILER", value, sum[:], false); err != nil {
				return err
			}
			signed = true
			continue
		}
		if signed || b.kind == PayloadChunks {
			return errChunk("there is a trailer that is not signed")
		}
		if b.trailer == nil {
			b.trailer = make(map[string]string)
		}
		b.trailer[name] = value
		canonical.WriteString(name + ":" + value + "\n")
	}
	if b.kind == PayloadChunksTrailer && !signed {
		return errChunk("the trailers have no signature")
	}
	return nil
}

// errEnd is the end of the body where a line should begin.
var errEnd = errors.New("the body ends")

// line reads up to CR LF, or a line feed alone, at most max bytes before it.
func (b *Body) line(max int) (string, error) {
	var line []byte
	for {
		c, err := b.chunks.ReadByte()
		switch {
		case err == io.EOF && len(line) == 0:
			return "", errTruncated(errEnd)
		case err != nil:
			return "", errTruncated(err)
		case c == '\n':
			return string(bytes.TrimSuffix(line, []byte{'\r'})), nil
		case len(line) > max:
			return "", errChunk("a line is too long")
		}
		line = append(line, c)
	}
}

func parseSize(s string) (int64, error) {
	if s == "" {
		return 0, errChunk("a chunk has no size")
	}
	var n int64
	for i := 0; i < len(s); i++ {
		d := unhex(s[i])
		if d < 0 {
			return 0, errChunk(fmt.Sprintf("%q is not the size of a chunk", s))
		}
		if n = n<<4 | int64(d); n > maxChunk {
			return 0, errChunk("a chunk is too large")
		}
	}
	return n, nil
}

// A chunkSigner computes the chain of signatures: each covers the one before.
type chunkSigner struct {
	key   key
	date  string
	scope string
	last  string
	buf   []byte
}

// check compares the signature of a chunk or of the trailers, and makes it the
// last one. Chunks have the hash of nothing before their own: of headers that
// they do not have.
func (s *chunkSigner) check(algorithm, signature string, sum []byte, empty bool) error {
	s.buf = fmt.Appendf(s.buf[:0], "%s\n%s\n%s\n%s\n", algorithm, s.date, s.scope, s.last)
	if empty {
		s.buf = append(s.buf, emptyHash+"\n"...)
	}
	s.buf = hex.AppendEncode(s.buf, sum)
	want := s.key.sign(s.buf)
	given, formed := decodeSignature(signature)
	if !formed || subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		return errChunkMismatch(signature, string(s.buf))
	}
	s.last = signature
	return nil
}

// emptyHash is SHA-256 of nothing.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func errPayloadMismatch() *Error {
	const text = "The provided 'x-amz-content-sha256' header does not match what was computed."
	return &Error{Kind: PayloadMismatch, text: text, s3Code: "XAmzContentSHA256Mismatch", s3Text: text}
}

func errChunkMismatch(signature, sts string) *Error {
	e := errMismatch(&Auth{Signature: signature}, "", sts)
	e.Kind = ChunkMismatch
	return e
}

func errSmallChunk() *Error {
	const text = "Only the last chunk is allowed to have a size less than 8192 bytes"
	return &Error{Kind: BadChunk, text: text, s3Code: "InvalidChunkSizeError", s3Text: text}
}

func errChunk(detail string) *Error {
	const text = "The request body terminated unexpectedly"
	return &Error{Kind: BadChunk, text: text + ": " + detail, s3Code: "IncompleteBody", s3Text: text}
}

// errTruncated keeps a reader's own error, such as a time-out, and turns the
// end of the body into one that nobody can take for io.EOF.
func errTruncated(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err == io.ErrUnexpectedEOF || err == errEnd {
		return fmt.Errorf("%w: %w", errChunk("it ends within a chunk"), err)
	}
	return err
}
