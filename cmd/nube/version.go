package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the release's linker flags.
var version = "dev"

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which nube this is",
		Example: `  nube version
  nube version --output json`,
		Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			v := versionInfo()
			if a.output == "json" {
				return a.json(v)
			}
			_, err := fmt.Fprintf(a.out, "nube %s (%s, %s)\n", v.Version, v.Go, v.Platform)
			return err
		},
	}
}

type versionReport struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionInfo() versionReport {
	v := versionReport{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Commit = s.Value
			}
		}
	}
	return v
}
