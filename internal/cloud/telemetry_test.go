package cloud

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	dynamodb "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/otlp"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner/sandbox"
)

func openCloud(t testing.TB, o Options) *Cloud {
	t.Helper()
	o.Isolation = sandbox.Off
	c, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Telemetry is received at the address that was asked for, or elsewhere if
// nobody insists, or not at all.
func TestOTLPAddress(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	at := taken.Addr().String()
	if c, err := Open(t.Context(), Options{OTLP: at, Isolation: sandbox.Off}); err == nil || !strings.Contains(err.Error(), "--otlp chooses another address") {
		t.Errorf("at an address that is taken: %v", err)
		if c != nil {
			c.Close(context.WithoutCancel(t.Context()))
		}
	}
	c := openCloud(t, Options{OTLP: at, OTLPElsewhere: true})
	if c.OTLP() == "" || c.OTLP() == "http://"+at {
		t.Errorf("elsewhere is %q", c.OTLP())
	}
	resp, err := http.Post(c.OTLP()+"/v1/traces", "application/json", strings.NewReader(`{"resourceSpans":[{"scopeSpans":[{"spans":[
		{"traceId":"5759e988bd862e3fe1be46a994272793","spanId":"53995c3f42cd8ad8","name":"own"}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	id, err := record.ParseTraceID("5759e988bd862e3fe1be46a994272793")
	if err != nil {
		t.Fatal(err)
	}
	if spans, err := c.recorder.Traces.Trace(t.Context(), id); err != nil || resp.StatusCode != 200 || len(spans) != 1 {
		t.Errorf("%s, %d spans, %v", resp.Status, len(spans), err)
	}
	if c := openCloud(t, Options{OTLP: NoOTLP}); c.OTLP() != "" {
		t.Errorf("off is %q", c.OTLP())
	}
}

// A cloud does not export to itself, whatever the environment says: each export
// would be another's cause.
func TestNoExportToItself(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	var log strings.Builder
	c := openCloud(t, Options{
		OTLP: "127.0.0.1:" + port, Export: otlp.Target{URL: "http://localhost:" + port}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if c.exporter != nil || !strings.Contains(log.String(), "that is where it is received") {
		t.Errorf("it exports to itself, and says %q", log.String())
	}
	for to, own := range map[string]bool{
		"http://127.0.0.1:" + port: true, "http://[::1]:" + port: true, "http://0.0.0.0:" + port + "/x": true, "http://collector:" + port: false,
		"http://localhost": false, "://": false,
	} {
		if c.isOTLP(to) != own {
			t.Errorf("%s is its own: %v", to, !own)
		}
	}
	if _, err := Open(t.Context(), Options{Export: otlp.Target{URL: "nowhere"}, Isolation: sandbox.Off}); err == nil {
		t.Error("nowhere was taken")
	}
}

// BenchmarkRecording is what recording costs a call inside the platform, which
// has no network to hide it.
func BenchmarkRecording(b *testing.B) {
	for name, off := range map[string]bool{"traces=on": false, "traces=off": true} {
		b.Run(name, func(b *testing.B) {
			c := openCloud(b, Options{NoTraces: off})
			ctx := awsapi.With(b.Context(), &awsapi.Call{ID: "r", Scope: arn.In(DefaultRegion, DefaultAccount), Actor: awsapi.RootOf(DefaultAccount)})
			name, hash, s, pay := "t", "HASH", "S", "PAY_PER_REQUEST"
			_, err := awsapi.Do(ctx, c.front, dynamodb.CreateTable, &dynamodb.CreateTableInput{
				TableName: &name, BillingMode: &pay,
				AttributeDefinitions: []dynamodb.AttributeDefinition{{AttributeName: &name, AttributeType: &s}},
				KeySchema:            []dynamodb.KeySchemaElement{{AttributeName: &name, KeyType: &hash}},
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := awsapi.Do(ctx, c.front, dynamodb.DescribeTable, &dynamodb.DescribeTableInput{TableName: &name}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
