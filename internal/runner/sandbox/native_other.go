//go:build !linux || !(amd64 || arm64)

package sandbox

import "runtime"

func openNative(Options) (confiner, error) {
	return newPlain("not built for " + runtime.GOOS + " on " + runtime.GOARCH), nil
}
