package cloud

import (
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
)

// gatewayLogs puts the logs of API Gateway's stages where CloudWatch Logs finds
// them.
type gatewayLogs struct{ functionLogs }

// Append implements [apigateway.Logs].
func (l *gatewayLogs) Append(s record.Stream, at clock.Instant, message []byte) {
	to := runner.LogStream{Account: s.Account, Region: s.Region, Group: s.Group, Name: s.Name}
	l.functionLogs.Append(to, []runner.LogEvent{{At: at, Message: string(message)}})
}
