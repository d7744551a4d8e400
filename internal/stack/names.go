package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// suffixLength is the length of the random part of generated names, as AWS has
// it: my-stack-Table-1A2B3C4D5E6F7.
const suffixLength = 13

// shortened is to what stack name and logical id are cut when the name would
// be too long.
const shortened = 24

// generatedName returns the name of a resource that its template does not
// name. It is the same for the same stack, logical id and generation, so that a
// step that is done again arrives at the same resource.
func generatedName(s StackRef, logicalID string, generation int, rule NameRule) string {
	stackName := s.Name
	suffix := strings.ToUpper(letters(suffixLength, s.ID, logicalID, fmt.Sprint(generation)))
	switch {
	case rule.Short:
		stackName, logicalID = stackName[:min(len(stackName), 5)], logicalID[:min(len(logicalID), 4)]
	case len(stackName)+len(logicalID)+len(suffix)+2 > rule.Max:
		stackName = stackName[:min(len(stackName), shortened)]
		logicalID = logicalID[:min(len(logicalID), max(1, rule.Max-len(stackName)-len(suffix)-2))]
	}
	name := stackName + "-" + logicalID + "-" + suffix
	if rule.Lower {
		name = strings.ToLower(name)
	}
	return name[:min(len(name), rule.Max)]
}

// letters derives n characters of [0-9a-z] from parts.
func letters(n int, parts ...string) string {
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[int(sum[i])%len(alphabet)]
	}
	return string(out)
}

// token derives the token of a step: the same when the step is called again,
// another one for every other step.
func (r *run) token(what string, generation int, act action) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%d\x00%d\x00%s", r.id, what, r.op.Number, r.op.Round, generation, act))
	return uuid([16]byte(sum[:16]))
}

// uuid formats sixteen bytes as a UUID.
func uuid(b [16]byte) string {
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
