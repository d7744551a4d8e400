package main

import (
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/cloud"
	"github.com/nube-run/nube/internal/otlp"
)

// telemetryFlags say where telemetry comes in and where it goes.
type telemetryFlags struct {
	otlp, export, traces, exchanges string
}

func (f *telemetryFlags) register(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.otlp, "otlp", "", "address at which applications' OpenTelemetry is received over HTTP, or off (default 127.0.0.1:4318, or a free port if that is taken)")
	fs.StringVar(&f.export, "otlp-export", "", "URL to which all telemetry is exported by OTLP over HTTP, or off (default $OTEL_EXPORTER_OTLP_ENDPOINT, or off)")
	fs.StringVar(&f.traces, "traces", "on", "whether traces are recorded: on or off")
	fs.StringVar(&f.exchanges, "exchanges", "on", "whether what functions and the gateway are given and answer is recorded, for nube replay: on or off")
}

// defaultOTLP is where OpenTelemetry's SDKs send to when nobody said otherwise.
const defaultOTLP = "127.0.0.1:4318"

func (f *telemetryFlags) apply(o *cloud.Options) error {
	o.OTLP = f.otlp
	if o.OTLP == "" {
		o.OTLP, o.OTLPElsewhere = defaultOTLP, true
	}
	switch f.traces {
	case "on":
	case "off":
		o.NoTraces = true
	default:
		return usage("--traces is on or off, not %q", f.traces)
	}
	switch f.exchanges {
	case "on":
	case "off":
		o.NoExchanges = true
	default:
		return usage("--exchanges is on or off, not %q", f.exchanges)
	}
	to := f.export
	if to == "" {
		to = os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
	}
	if to == "" || to == "off" {
		return nil
	}
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return usage("telemetry cannot be exported to %q; it is a URL such as http://localhost:4318", to)
	}
	headers, err := exportHeaders(os.Getenv("OTEL_EXPORTER_OTLP_HEADERS"))
	if err != nil {
		return err
	}
	o.Export = otlp.Target{URL: to, Headers: headers}
	return nil
}

// exportHeaders reads key=value pairs, as OpenTelemetry's SDKs do.
//
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables
func exportHeaders(s string) (map[string]string, error) {
	out := map[string]string{}
	for pair := range strings.SplitSeq(s, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		k, v, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(v))
		if k = strings.TrimSpace(k); !ok || k == "" || err != nil {
			return nil, usage("OTEL_EXPORTER_OTLP_HEADERS has no key=value in %q", pair)
		}
		out[k] = value
	}
	return out, nil
}
