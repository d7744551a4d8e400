package cloud

import (
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/apigateway"
	"github.com/nube-run/nube/internal/service/apigatewayv2"
)

// stageSeries is the metrics of a stage of an API, and of the API.
type stageSeries struct {
	model                                               *clock.Model
	count, clientError, serverError, latency, integrate [2]*record.Series
}

// apiMetric makes a metric's series of an API and of its stage.
func (p *platform) apiMetric(scope arn.Scope, dimension, api, stage string) func(name, unit string) [2]*record.Series {
	return func(name, unit string) [2]*record.Series {
		a := record.Attr{Key: dimension, Value: api}
		return [2]*record.Series{p.series(scope, "ApiGateway", name, unit, a), p.series(scope, "ApiGateway", name, unit, a, record.Attr{Key: "Stage", Value: stage})}
	}
}

// Stage implements [apigateway.Meter].
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
func (p *platform) Stage(scope arn.Scope, api, stage string) apigateway.StageMeter {
	of := p.apiMetric(scope, "ApiName", api, stage)
	return &stageSeries{
		model: p.model, count: of("Count", countUnit), clientError: of("4XXError", countUnit), serverError: of("5XXError", countUnit),
		latency: of("Latency", millisUnit), integrate: of("IntegrationLatency", millisUnit),
	}
}

// Served implements [apigateway.StageMeter].
func (s *stageSeries) Served(status int, took, integration time.Duration) {
	now := s.model.Now()
	var client, server float64
	switch {
	case status >= 500:
		server = 1
	case status >= 400:
		client = 1
	}
	for i := range s.count {
		s.count[i].Observe(now, 1)
		s.clientError[i].Observe(now, client)
		s.serverError[i].Observe(now, server)
		s.latency[i].Observe(now, milliseconds(took))
		if integration > 0 {
			s.integrate[i].Observe(now, milliseconds(integration))
		}
	}
}

// httpStageSeries is the metrics of a stage of an HTTP API, and of the API.
type httpStageSeries struct {
	stageSeries
	processed [2]*record.Series
}

// HTTPStage implements [apigatewayv2.Meter].
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
func (p *platform) HTTPStage(scope arn.Scope, api, stage string) apigatewayv2.StageMeter {
	of := p.apiMetric(scope, "ApiId", api, stage)
	return &httpStageSeries{
		stageSeries: stageSeries{
			model: p.model, count: of("Count", countUnit), clientError: of("4xx", countUnit), serverError: of("5xx", countUnit),
			latency: of("Latency", millisUnit), integrate: of("IntegrationLatency", millisUnit),
		},
		processed: of("DataProcessed", bytesUnit),
	}
}

// Served implements [apigatewayv2.StageMeter].
func (s *httpStageSeries) Served(status int, took, integration time.Duration, bytes int) {
	s.stageSeries.Served(status, took, integration)
	now := s.model.Now()
	for i := range s.processed {
		s.processed[i].Observe(now, float64(bytes))
	}
}
