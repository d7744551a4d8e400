package logs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/logs/insights"
)

// Limits of queries.
const (
	maxQueried = 50       // groups of a query
	maxEvents  = 200_000  // events that a query looks at
	maxAnswers = 100      // queries whose answers are kept, in memory
	maxKept    = 32 << 20 // bytes of answers that are, of those but the newest
	maxFields  = 200      // that are found in an event of JSON
)

// answered is a query that was asked. Answers are in memory alone: the oldest make
// room for another.
type answered struct {
	id, text, group string
	cell            keyspace.Cell
	at              clock.Instant
	lines           [][]shapes.ResultField
	size            int // of the lines, about
	matched         float64
	scanned, bytes  float64
}

// show keeps what is shown of a result, and no more of the events than that.
func (a *answered) show(r insights.Result) {
	a.matched, a.lines = float64(r.Matched), make([][]shapes.ResultField, len(r.Rows))
	shown := r.Fields
	if !slices.Contains(shown, "@ptr") {
		shown = append(slices.Clone(shown), "@ptr")
	}
	for i, row := range r.Rows {
		line := make([]shapes.ResultField, 0, len(shown))
		for k := range shown {
			if v := row[shown[k]]; v != nil {
				text := strings.Clone(insights.Text(v))
				line = append(line, shapes.ResultField{Field: &shown[k], Value: &text})
				a.size += len(text) + perField
			}
		}
		a.lines[i] = line
	}
}

// perField is about how much memory a field of an answer takes beside its text.
const perField = 48

// startQuery answers the query at once: events are in this process.
func (s *Service) startQuery(ctx context.Context, in *shapes.StartQueryRequest) (*shapes.StartQueryResponse, error) {
	groups, err := queried(ctx, in)
	if err != nil {
		return nil, err
	}
	q, err := insights.Parse(*in.QueryString)
	if err != nil {
		return nil, fault.New("MalformedQueryException", "%s", strings.TrimPrefix(err.Error(), insights.ErrInvalid.Error()+": "))
	}
	if *in.StartTime > *in.EndTime {
		return nil, invalid("End time should not be less than start time.")
	}
	a := &answered{id: awsapi.NewID(), text: *in.QueryString, group: groups[0], cell: cell(ctx), at: s.clock.Now()}
	var rows []insights.Row
	for _, name := range groups {
		g, err := s.viewGroup(ctx, name)
		if err != nil {
			return nil, err
		}
		lq := record.LogQuery{
			Group: streamIn(a.cell, name, ""), From: max(clock.Unix(*in.StartTime, 0), g.oldest(a.at)), To: clock.Unix(*in.EndTime+1, 0), Reverse: true,
		}
		for e, err := range s.logs.Read(ctx, lq) {
			if err != nil {
				return nil, fmt.Errorf("query %s: %w", name, err)
			}
			if len(rows) == maxEvents {
				return nil, fault.New("LimitExceededException", "The query looks at more than %d events; ask for a shorter time.", maxEvents)
			}
			rows = append(rows, rowOf(&e))
			a.bytes += float64(len(e.Message))
		}
	}
	if len(groups) > 1 {
		slices.SortStableFunc(rows, func(a, b insights.Row) int {
			return strings.Compare(b["@timestamp"].(string), a["@timestamp"].(string))
		})
	}
	a.scanned = float64(len(rows))
	limit := 0
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	a.show(q.Run(rows, limit))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, a)
	size := 0
	for _, kept := range s.answers {
		size += kept.size
	}
	gone := 0
	for gone < len(s.answers)-1 && (size > maxKept || len(s.answers)-gone > maxAnswers) {
		size -= s.answers[gone].size
		gone++
	}
	s.answers = slices.Delete(s.answers, 0, gone)
	return &shapes.StartQueryResponse{QueryId: &a.id}, nil
}

// queried returns the groups of a query.
func queried(ctx context.Context, in *shapes.StartQueryRequest) ([]string, error) {
	names := slices.Concat(in.LogGroupNames, in.LogGroupIdentifiers)
	if in.LogGroupName != nil {
		names = append(names, *in.LogGroupName)
	}
	if len(names) == 0 || len(names) > maxQueried {
		return nil, invalid("A query is of one to %d log groups.", maxQueried)
	}
	for i, n := range names {
		var err error
		if names[i], err = groupName(ctx, nil, &n); err != nil {
			return nil, err
		}
	}
	return names, nil
}

func accessQuery(ctx context.Context, in *shapes.StartQueryRequest) ([]awsapi.Access, error) {
	groups, err := queried(ctx, in)
	if err != nil {
		return nil, err
	}
	var need []awsapi.Access
	for _, g := range groups {
		need = append(need, awsapi.Access{Action: "logs:StartQuery", Resource: groupResource(awsapi.From(ctx).Scope, g)})
	}
	return need, nil
}

// accessAnswer: the results of a query are of its group; those of none, of no group.
func (s *Service) accessAnswer(ctx context.Context, in *shapes.GetQueryResultsRequest) ([]awsapi.Access, error) {
	group := ""
	if a, err := s.answer(ctx, value(in.QueryId)); err == nil {
		group = a.group
	}
	return []awsapi.Access{{Action: "logs:GetQueryResults", Resource: groupResource(awsapi.From(ctx).Scope, group)}}, nil
}

// rowOf is the fields of an event: those of every event, those of one that is JSON,
// and those of Lambda's own lines.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
func rowOf(e *record.LogEvent) insights.Row {
	row := insights.Row{}
	trimmed := strings.TrimLeft(e.Message, " \t\r\n")
	var doc map[string]any
	if strings.HasPrefix(trimmed, "{") && json.Unmarshal([]byte(trimmed), &doc) == nil {
		flatten(row, "", doc)
	} else if strings.HasPrefix(e.Stream.Group, "/aws/lambda/") {
		lambdaFields(row, e.Message)
	}
	row["@timestamp"], row["@ingestionTime"] = insights.Stamp(e.Time), insights.Stamp(e.Ingested)
	row["@message"], row["@logStream"], row["@log"] = e.Message, e.Stream.Name, e.Stream.Account+":"+e.Stream.Group
	row["@ptr"] = pointerTo(e)
	return row
}

// flatten names what is nested by the way there: a.b, a.0.
func flatten(row insights.Row, prefix string, v any) {
	if len(row) >= maxFields {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			flatten(row, prefix+k+".", v[k])
		}
	case []any:
		for i, o := range v {
			flatten(row, prefix+strconv.Itoa(i)+".", o)
		}
	case nil:
	case string, float64, bool:
		row[strings.TrimSuffix(prefix, ".")] = v
	}
}

// lambdaFields are those of START, END and REPORT.
func lambdaFields(row insights.Row, message string) {
	kind, rest, ok := strings.Cut(message, " RequestId: ")
	if !ok || kind != "START" && kind != "END" && kind != "REPORT" {
		return
	}
	row["@type"] = kind
	row["@requestId"], _, _ = strings.Cut(strings.TrimSpace(strings.ReplaceAll(rest, "\t", " ")), " ")
	for part := range strings.SplitSeq(rest, "\t") {
		name, text, ok := strings.Cut(part, ": ")
		if !ok {
			continue
		}
		number, unit, _ := strings.Cut(strings.TrimSpace(text), " ")
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			continue
		}
		if unit == "MB" {
			n *= 1e6
		}
		switch name {
		case "Duration":
			row["@duration"] = n
		case "Billed Duration":
			row["@billedDuration"] = n
		case "Memory Size":
			row["@memorySize"] = n
		case "Max Memory Used":
			row["@maxMemoryUsed"] = n
		case "Init Duration":
			row["@initDuration"] = n
		}
	}
}

// answer finds a query of the caller's account and region.
func (s *Service) answer(ctx context.Context, id string) (*answered, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.answers {
		if a.id == id && a.cell == cell(ctx) {
			return a, nil
		}
	}
	return nil, fault.New("ResourceNotFoundException", "The specified query does not exist.")
}

func (s *Service) getQueryResults(ctx context.Context, in *shapes.GetQueryResultsRequest) (*shapes.GetQueryResultsResponse, error) {
	a, err := s.answer(ctx, *in.QueryId)
	if err != nil {
		return nil, err
	}
	return &shapes.GetQueryResultsResponse{
		Results: a.lines, Status: ptr("Complete"),
		Statistics: &shapes.QueryStatistics{RecordsMatched: &a.matched, RecordsScanned: &a.scanned, BytesScanned: &a.bytes},
	}, nil
}

// stopQuery always comes too late: a query is answered when it is asked.
func (s *Service) stopQuery(ctx context.Context, in *shapes.StopQueryRequest) (*shapes.StopQueryResponse, error) {
	if _, err := s.answer(ctx, *in.QueryId); err != nil {
		return nil, err
	}
	return nil, invalid("Query %s has ended and cannot be stopped.", *in.QueryId)
}

func (s *Service) describeQueries(ctx context.Context, in *shapes.DescribeQueriesRequest) (*shapes.DescribeQueriesResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &shapes.DescribeQueriesResponse{Queries: []shapes.QueryInfo{}}
	for _, a := range slices.Backward(s.answers) {
		if a.cell != cell(ctx) || in.LogGroupName != nil && a.group != *in.LogGroupName || in.Status != nil && *in.Status != "Complete" {
			continue
		}
		out.Queries = append(out.Queries, shapes.QueryInfo{
			QueryId: &a.id, QueryString: &a.text, Status: ptr("Complete"), CreateTime: ptr(a.at.UnixMilli()), LogGroupName: &a.group,
		})
		if in.MaxResults != nil && len(out.Queries) == int(*in.MaxResults) {
			break
		}
	}
	return out, nil
}
