package dynamodb

import (
	"context"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	streams "github.com/nube-run/nube/internal/awsapi/shapes/dynamodbstreams"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// Options says what the service needs.
type Options struct {
	DB    *kv.DB
	Clock *clock.Model
	Work  *work.Ledger // counts what goes on after a request was answered
	Meter Meter        // may be nil
	// Timers make items expire and streams forget; without them nothing does.
	Timers *timer.Timers
}

// Meter is told of the capacity units that requests consume.
type Meter interface {
	Consumed(ctx context.Context, table arn.ARN, read, write float64)
}

// Service is DynamoDB.
type Service struct {
	api     *awsapi.Service
	streams *awsapi.Service
	db      *kv.DB
	clock   *clock.Model
	work    *work.Ledger
	meter   Meter
	parsed  expr.Cache

	tablesMu   sync.RWMutex
	tables     map[tableID]known
	background sync.WaitGroup
	stop       context.CancelFunc // of what runs in the background
	running    context.Context

	wakeTrim   func(kv.Stamp)    // to be called, after the commit, when a stream was opened; nil without timers
	willExpire func(due instant) // to be called, after the commit, when an item will expire; nil without timers

	cells cells

	tokensMu sync.Mutex
	cleared  map[keyspace.Cell]uint64 // the period before which a cell's client tokens are gone
}

// New returns the service. Start must be called before it is used.
func New(o Options) *Service {
	s := &Service{
		api: awsapi.NewService(&shapes.Model), streams: awsapi.NewService(&streams.Model), db: o.DB, clock: o.Clock, work: o.Work, meter: o.Meter,
		tables: make(map[tableID]known), cleared: make(map[keyspace.Cell]uint64),
	}
	s.running, s.stop = context.WithCancel(context.Background())
	s.api.Checksum, s.streams.Checksum = true, true
	s.api.Policies = s
	s.registerTables()
	s.registerItems()
	s.registerBatches()
	s.registerTransactions()
	s.registerStatements()
	s.registerSettings()
	s.registerStreams()
	s.registerCodecs()
	if o.Timers != nil {
		s.registerTimers(o.Timers)
	}
	return s
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

// Stop ends what runs in the background and waits for it; [Service.Start] takes it up again.
func (s *Service) Stop() {
	s.stop()
	s.background.Wait()
}

func (s *Service) registerTables() {
	awsapi.Handle(s.api, shapes.CreateTable, onTable("CreateTable", func(in *shapes.CreateTableInput) *string { return in.TableName }), s.createTable)
	awsapi.Handle(s.api, shapes.DescribeTable, onTable("DescribeTable", func(in *shapes.DescribeTableInput) *string { return in.TableName }), s.describeTable)
	awsapi.Handle(s.api, shapes.UpdateTable, onTable("UpdateTable", func(in *shapes.UpdateTableInput) *string { return in.TableName }), s.updateTable)
	awsapi.Handle(s.api, shapes.DeleteTable, onTable("DeleteTable", func(in *shapes.DeleteTableInput) *string { return in.TableName }), s.deleteTable)
	awsapi.Handle(s.api, shapes.ListTables, nil, s.listTables)
	awsapi.Handle(s.api, shapes.DescribeLimits, nil, s.describeLimits)
	awsapi.Handle(s.api, shapes.DescribeEndpoints, nil, s.describeEndpoints)
}

func (s *Service) registerItems() {
	awsapi.Handle(s.api, shapes.GetItem, s.accessGetItem, s.getItem)
	awsapi.Handle(s.api, shapes.PutItem, s.accessPutItem, s.putItem)
	awsapi.Handle(s.api, shapes.UpdateItem, s.accessUpdateItem, s.updateItem)
	awsapi.Handle(s.api, shapes.DeleteItem, s.accessDeleteItem, s.deleteItem)
	awsapi.Handle(s.api, shapes.Query, s.accessQuery, s.query)
	awsapi.Handle(s.api, shapes.Scan, s.accessScan, s.scan)
}

func (s *Service) registerBatches() {
	awsapi.Handle(s.api, shapes.BatchGetItem, s.accessBatchGet, s.batchGetItem)
	awsapi.Handle(s.api, shapes.BatchWriteItem, s.accessBatchWrite, s.batchWriteItem)
}

func (s *Service) registerTransactions() {
	awsapi.Handle(s.api, shapes.TransactGetItems, s.accessTransactGet, s.transactGetItems)
	awsapi.Handle(s.api, shapes.TransactWriteItems, s.accessTransactWrite, s.transactWriteItems)
}

// cell is the account and region that a call goes to.
func cell(ctx context.Context) keyspace.Cell {
	scope := awsapi.From(ctx).Scope
	return keyspace.Cell{Account: scope.Account, Region: scope.Region}
}

// tableName is the name in a TableName parameter, which may be the table's ARN instead.
func tableName(ctx context.Context, p *string) (string, error) {
	name := value(p)
	if !strings.HasPrefix(name, "arn:") {
		return name, nil
	}
	scope := awsapi.From(ctx).Scope
	name, ok := strings.CutPrefix(arn.ARN(name).Resource(), "table/")
	if a := arn.ARN(*p); !ok || strings.Contains(name, "/") || a.Account() != scope.Account || a.Region() != scope.Region {
		return "", fault.Validation("Invalid TableArn: %s", *p)
	}
	return name, nil
}

func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func ptr[T any](v T) *T { return &v }
