// Command otel is a function that reports of itself with OpenTelemetry's SDK, as
// its documentation shows it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"go.opentelemetry.io/contrib/propagators/aws/xray"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

func main() {
	exporter, err := otlptracehttp.New(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	tracer := provider.Tracer("otel-example")
	lambda.Start(func(ctx context.Context, e events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
		defer provider.ForceFlush(ctx)
		if os.Getenv("PROPAGATE") == "xray" {
			ctx = xray.Propagator{}.Extract(ctx, propagation.MapCarrier{"X-Amzn-Trace-Id": os.Getenv("_X_AMZN_TRACE_ID")})
		}
		ctx, span := tracer.Start(ctx, "handler", api.WithSpanKind(api.SpanKindServer), api.WithAttributes(attribute.Int("items", 3)))
		defer span.End()
		_, step := tracer.Start(ctx, "step")
		step.RecordError(errors.New("no luck"))
		step.SetStatus(codes.Error, "it did not work")
		step.End()
		body, err := json.Marshal(map[string]string{"header": os.Getenv("_X_AMZN_TRACE_ID"), "span": span.SpanContext().SpanID().String()})
		return events.APIGatewayProxyResponse{StatusCode: 200, Body: string(body)}, err
	})
}
