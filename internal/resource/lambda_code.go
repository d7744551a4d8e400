package resource

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// ArtifactBucket is the bucket under which service lambda finds what a
// project's build has made: the property {"nube:Artifact": digest} is the object
// digest of it. It is no bucket of S3.
const ArtifactBucket = "nube-artifacts"

// packaged returns the Code of a function, or the Content of a layer, in the
// API's form.
func packaged(code *template.Value) *template.Value {
	digest := code.Get("nube:Artifact")
	if digest == nil {
		return code
	}
	return template.New(code.Pos, template.Object{{Key: "S3Bucket", Value: ArtifactBucket}, {Key: "S3Key", Value: digest}})
}

// inlined returns the archive of a function whose source stands in its template:
// one file with the name that CloudFormation gives it.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
func inlined(source, runtime string) ([]byte, error) {
	var name string
	switch {
	case strings.HasPrefix(runtime, "nodejs"):
		name = "index.js"
	case strings.HasPrefix(runtime, "python"):
		name = "index.py"
	default:
		return nil, fmt.Errorf("ZipFile can only be used with the Node.js and Python runtimes, and the runtime is %q", runtime)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte(source))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("zip the source: %w", err)
	}
	return b.Bytes(), nil
}
