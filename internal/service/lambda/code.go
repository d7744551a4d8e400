package lambda

import (
	"errors"
	"strconv"

	"github.com/nube-run/nube/internal/runner/build"
)

// ArtifactBucket stands in the place of a bucket for what nube has built of a
// project; the key is the artifact's digest. Package resource says so too: the
// stack engine and this service agree on it.
const ArtifactBucket = "nube-artifacts"

// maxZip is the largest archive that a request can carry.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxZip = 50 << 20

// upload is code as requests give it.
type upload struct {
	zip                []byte
	bucket, key, image *string
}

// artifact returns the artifact of uploaded code.
func (s *Service) artifact(u upload) (code, error) {
	var a build.Artifact
	var err error
	switch {
	case u.image != nil:
		return code{}, refused("functions as container images: ImageUri")
	case u.zip != nil && u.bucket != nil:
		return code{}, invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case len(u.zip) > maxZip:
		return code{}, invalid("Zipped size must be smaller than %d bytes", maxZip)
	case u.zip != nil:
		a, err = s.Artifacts.Unpack(u.zip)
	case value(u.bucket) == ArtifactBucket:
		a, err = s.Artifacts.Artifact(value(u.key))
	case u.bucket != nil:
		return code{}, refused("code in S3: give ZipFile, or deploy the project with nube")
	default:
		return code{}, invalid("Please provide a source for function code.")
	}
	switch {
	case errors.Is(err, build.ErrTooLarge):
		return code{}, invalid("%s", build.ErrTooLarge)
	case errors.Is(err, build.ErrArchive):
		return code{}, invalid("%s", build.ErrArchive).Because(err)
	case errors.Is(err, build.ErrUnknown):
		return code{}, invalid("Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.").Because(err)
	case err != nil:
		return code{}, err
	}
	return code{Digest: a.Digest, SHA256: a.SHA256, Size: a.Size}, nil
}

// location is where the code can be had: it has no URL, because it is on this
// machine.
func (s *Service) location(c code) *string {
	a, err := s.Artifacts.Artifact(c.Digest)
	if err != nil {
		return nil
	}
	return ptr("file://" + a.Dir)
}

func number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0 // no version has this number
	}
	return n
}
