package stack

import (
	"encoding/json"
	"fmt"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/template"
)

// Stack is a stack as it stands.
type Stack struct {
	ID          string // ARN
	Name        string
	Status      Status
	Reason      string `json:",omitempty"`
	Description string `json:",omitempty"`
	Settings
	Outputs []Output `json:",omitempty"`
	Imports []string `json:",omitempty"`

	DisableRollback       bool `json:",omitempty"`
	TerminationProtection bool `json:",omitempty"`
	TimeoutMinutes        int  `json:",omitempty"`

	ChangeSetID string        `json:",omitempty"` // executed last
	Created     clock.Instant // when the operation that created it, or its first change set, began
	Updated     clock.Instant `json:",omitempty"` // when the last update began
	Deleted     clock.Instant `json:",omitempty"`
	Operations  int           // begun so far: the number of the last one
}

// Settings are what an update can change besides the template.
type Settings struct {
	Parameters       []Parameter `json:",omitempty"`
	Tags             []Tag       `json:",omitempty"`
	Capabilities     []string    `json:",omitempty"`
	NotificationARNs []string    `json:",omitempty"`
	RoleARN          string      `json:",omitempty"`
}

// Parameter is the value that a parameter was given.
type Parameter struct {
	Key, Value string
	NoEcho     bool `json:",omitempty"` // must not be shown
}

// Tag is a tag of a stack, which its resources get too.
type Tag struct{ Key, Value string }

// Output is a value that a stack returns.
type Output struct {
	Key, Value  string
	Description string `json:",omitempty"`
	Export      string `json:",omitempty"` // under which name it is exported
}

// Resource is a resource of a stack.
type Resource struct {
	LogicalID string
	Type      string
	version
	Status  Status
	Reason  string `json:",omitempty"`
	Changed clock.Instant

	Generation int      `json:",omitempty"` // physical resources made so far, less one
	Intent     *intent  `json:",omitempty"` // the step under way
	New        bool     `json:",omitempty"` // made by the operation under way
	Before     *version `json:",omitempty"` // what it was before the operation under way changed it
	FailedIn   int      `json:",omitempty"` // the operation in which it failed
	// Strays are physical resources that the logical one has left behind and
	// that the clean-up removes.
	Strays []version `json:",omitempty"`
}

// version is a physical resource as it was asked to be.
type version struct {
	PhysicalID          string          `json:",omitempty"`
	Properties          json.RawMessage `json:",omitempty"`
	Attrs               Attrs           `json:",omitempty"`
	DependsOn           []string        `json:",omitempty"` // logical ids, sorted: of what it needs, and what that needs
	DeletionPolicy      string          `json:",omitempty"`
	UpdateReplacePolicy string          `json:",omitempty"`
	Metadata            json.RawMessage `json:",omitempty"`
}

// Metadata returns the resource's metadata as JSON, empty when it has none.
func (r *Resource) Metadata() string { return string(r.version.Metadata) }

// exists reports whether the physical resource is there.
func (r *Resource) exists() bool {
	return r.PhysicalID != "" && r.Status != DeleteComplete && r.Status != DeleteSkipped
}

// action is what a step does.
type action string

const (
	actCreate  action = "create"
	actUpdate  action = "update"
	actReplace action = "replace" // create a second physical resource
	actRestore action = "restore" // update to what was before
	actDelete  action = "delete"
)

// intent is a step that was begun: it is recorded before the provider is
// called.
type intent struct {
	Action     action
	PhysicalID string          `json:",omitempty"`
	Properties json.RawMessage `json:",omitempty"` // to be
	DependsOn  []string        `json:",omitempty"`
	Began      clock.Instant
	Token      string
}

// phase is how far an operation is.
type phase string

const (
	phaseApply           phase = "apply"            // create and update; or delete, when the stack is deleted
	phaseCleanup         phase = "cleanup"          // delete what the update left behind
	phaseRollback        phase = "rollback"         // restore; or delete, when the stack was to be created
	phaseRollbackCleanup phase = "rollback-cleanup" // delete what the failed update made
)

// verb is the kind of an operation.
type verb string

const (
	verbCreate verb = "create"
	verbUpdate verb = "update"
	verbDelete verb = "delete"
)

// operation is an operation under way.
type operation struct {
	Verb      verb
	Phase     phase
	Number    int
	Round     int          `json:",omitempty"` // how often its rollback was continued
	Fence     string       // whoever runs it knows it
	Actor     awsapi.Actor // for whom
	Cause     []byte       `json:",omitempty"` // record.Cause of the request that it began with
	Token     string       `json:",omitempty"` // ClientRequestToken
	OnFailure OnFailure    `json:",omitempty"`
	// RetainExceptOnCreate deletes resources that the operation made when it
	// fails, even if their policy is to retain them.
	RetainExceptOnCreate bool     `json:",omitempty"`
	Retain               []string `json:",omitempty"` // logical ids that a deletion keeps
	Skip                 []string `json:",omitempty"` // logical ids that a rollback leaves alone
	Cancelled            bool     `json:",omitempty"`
	Deadline             int64    `json:",omitempty"` // machine time, nanoseconds; zero: none
	Imports              []string `json:",omitempty"` // registered when it began
	Settings             Settings // of the stack when it succeeds
	ChangeSetID          string   `json:",omitempty"`
	Failure              string   `json:",omitempty"` // of the stack itself, not of a resource
	Was                  Status   `json:",omitempty"` // the stack's status before a deletion, which may turn out to be impossible
}

// OnFailure says what becomes of a stack whose creation or update fails.
type OnFailure string

// What can become of it. The zero value is Rollback.
const (
	Rollback      OnFailure = ""
	DoNothing     OnFailure = "DO_NOTHING"
	DeleteOnFail  OnFailure = "DELETE" // creations only
	rollbackWords           = "ROLLBACK"
)

// Event is something that happened to a stack or one of its resources.
type Event struct {
	ID         string `json:"-"` // from its place in the log
	LogicalID  string
	PhysicalID string `json:",omitempty"`
	Type       string
	Status     Status
	Reason     string `json:",omitempty"`
	Time       clock.Instant
	Properties string `json:",omitempty"` // JSON
	Token      string `json:",omitempty"` // ClientRequestToken of the operation

	place string // in the log
}

// stackType is the type of events of the stack itself.
const stackType = "AWS::CloudFormation::Stack"

// value parses JSON that this package wrote.
func value(what string, raw json.RawMessage) (*template.Value, error) {
	if len(raw) == 0 {
		return &template.Value{Kind: template.Map}, nil
	}
	v, ds := template.ReadJSON(&template.File{Name: what, Text: raw})
	if err := ds.Err(); err != nil {
		return nil, fmt.Errorf("stored properties: %w", err)
	}
	return v, nil
}
