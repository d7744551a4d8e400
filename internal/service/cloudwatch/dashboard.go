package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// dashboardRow is the row of a dashboard, which is kept and not shown.
type dashboardRow struct {
	Body     string
	Modified clock.Instant
}

// maxDashboard is the longest body.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
const (
	maxDashboard  = 1 << 20
	maxWidgets    = 500
	dashboardPage = 1000
)

func (s *Service) putDashboard(ctx context.Context, in *shapes.PutDashboardInput) (*shapes.PutDashboardOutput, error) {
	name, body := *in.DashboardName, *in.DashboardBody
	if name == "" || len(name) > 255 || strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return nil, fault.New("InvalidParameterValue", "The value %s for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).", name)
	}
	if bad := checkDashboard(body); len(bad) > 0 {
		return nil, fault.New("InvalidParameterInput", "The dashboard body is invalid, there are %d validation errors: %s", len(bad), value(bad[0].Message)).
			WithDetail(&shapes.DashboardInvalidInputError{DashboardValidationMessages: bad})
	}
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		return jsonrow.Set(tx, spaceOf(cell(ctx)).dashboard(name), &dashboardRow{Body: body, Modified: s.Clock.Now()})
	})
	if err != nil {
		return nil, err
	}
	return &shapes.PutDashboardOutput{DashboardValidationMessages: []shapes.DashboardValidationMessage{}}, nil
}

// checkDashboard checks what a body must have: widgets of the types that there are,
// with properties.
func checkDashboard(body string) []shapes.DashboardValidationMessage {
	bad := func(path, format string, args ...any) []shapes.DashboardValidationMessage {
		return []shapes.DashboardValidationMessage{{DataPath: &path, Message: ptr(fmt.Sprintf(format, args...))}}
	}
	if len(body) > maxDashboard {
		return bad("/", "The body is larger than %d bytes", maxDashboard)
	}
	var doc struct {
		Widgets *[]struct {
			Type       *string
			Properties map[string]any
		}
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		return bad("/", "The field DashboardBody must be a valid JSON object")
	}
	if doc.Widgets == nil {
		return bad("/", "Should have required property 'widgets'")
	}
	if len(*doc.Widgets) > maxWidgets {
		return bad("/widgets", "Should NOT have more than %d items", maxWidgets)
	}
	var out []shapes.DashboardValidationMessage
	for i, w := range *doc.Widgets {
		at := fmt.Sprintf("/widgets/%d", i)
		switch value(w.Type) {
		case "":
			out = append(out, bad(at, "Should have required property 'type'")...)
		case "metric", "text", "log", "alarm", "explorer", "custom":
			if w.Properties == nil {
				out = append(out, bad(at, "Should have required property 'properties'")...)
			}
		default:
			out = append(out, bad(at+"/type", "Should match exactly one schema in oneOf: %s is no type of widget", *w.Type)...)
		}
	}
	return out
}

func noDashboard(name string) *fault.Error {
	return fault.New("ResourceNotFound", "Dashboard %s does not exist", name).WithDetail(&shapes.DashboardNotFoundError{})
}

func (s *Service) getDashboard(ctx context.Context, in *shapes.GetDashboardInput) (*shapes.GetDashboardOutput, error) {
	var row dashboardRow
	var found bool
	err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		found, err = jsonrow.Get(snap, spaceOf(cell(ctx)).dashboard(*in.DashboardName), &row)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, noDashboard(*in.DashboardName)
	}
	return &shapes.GetDashboardOutput{
		DashboardArn: ptr(string(dashboardARN(awsapi.From(ctx).Scope, *in.DashboardName))), DashboardBody: &row.Body, DashboardName: in.DashboardName,
	}, nil
}

func (s *Service) deleteDashboards(ctx context.Context, in *shapes.DeleteDashboardsInput) (*shapes.DeleteDashboardsOutput, error) {
	sp := spaceOf(cell(ctx))
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		for _, name := range in.DashboardNames {
			row, err := tx.Get(sp.dashboard(name))
			if err != nil {
				return err
			}
			if row == nil {
				return noDashboard(name)
			}
			tx.Delete(sp.dashboard(name))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.DeleteDashboardsOutput{}, nil
}

func (s *Service) listDashboards(ctx context.Context, in *shapes.ListDashboardsInput) (*shapes.ListDashboardsOutput, error) {
	after, err := lastName(in.NextToken)
	if err != nil {
		return nil, err
	}
	sp := spaceOf(cell(ctx))
	scope := awsapi.From(ctx).Scope
	var found []shapes.DashboardEntry
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		found = nil
		for p, err := range snap.Scan(sp.dashboards(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			d.Str()
			name := d.Str()
			var row dashboardRow
			if err := jsonrow.Decode(p.Key, p.Value, &row); err != nil {
				return err
			}
			if name > after && strings.HasPrefix(name, value(in.DashboardNamePrefix)) {
				found = append(found, shapes.DashboardEntry{DashboardName: &name, DashboardArn: ptr(string(dashboardARN(scope, name))), LastModified: &row.Modified, Size: ptr(int64(len(row.Body)))})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	out := &shapes.ListDashboardsOutput{DashboardEntries: []shapes.DashboardEntry{}}
	if len(found) > dashboardPage {
		found = found[:dashboardPage]
		out.NextToken = behind(*found[dashboardPage-1].DashboardName)
	}
	out.DashboardEntries = append(out.DashboardEntries, found...)
	return out, nil
}
