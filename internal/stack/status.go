package stack

import "strings"

// Status is the status of a stack or of a resource, in CloudFormation's words.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
type Status string

// The statuses. Resources have those of creation, update and deletion only.
const (
	CreateInProgress Status = "CREATE_IN_PROGRESS"
	CreateFailed     Status = "CREATE_FAILED"
	CreateComplete   Status = "CREATE_COMPLETE"

	UpdateInProgress                Status = "UPDATE_IN_PROGRESS"
	UpdateFailed                    Status = "UPDATE_FAILED"
	UpdateComplete                  Status = "UPDATE_COMPLETE"
	UpdateCompleteCleanupInProgress Status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"

	RollbackInProgress                      Status = "ROLLBACK_IN_PROGRESS"
	RollbackFailed                          Status = "ROLLBACK_FAILED"
	RollbackComplete                        Status = "ROLLBACK_COMPLETE"
	UpdateRollbackInProgress                Status = "UPDATE_ROLLBACK_IN_PROGRESS"
	UpdateRollbackFailed                    Status = "UPDATE_ROLLBACK_FAILED"
	UpdateRollbackCompleteCleanupInProgress Status = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
	UpdateRollbackComplete                  Status = "UPDATE_ROLLBACK_COMPLETE"

	DeleteInProgress Status = "DELETE_IN_PROGRESS"
	DeleteFailed     Status = "DELETE_FAILED"
	DeleteComplete   Status = "DELETE_COMPLETE"
	DeleteSkipped    Status = "DELETE_SKIPPED"

	ReviewInProgress Status = "REVIEW_IN_PROGRESS"
)

// InProgress reports whether an operation is under way. REVIEW_IN_PROGRESS is
// none: the stack waits for its first change set to be executed.
func (s Status) InProgress() bool {
	return strings.HasSuffix(string(s), "_IN_PROGRESS") && s != ReviewInProgress
}

// Failed reports whether an operation ended in a way that its caller did not
// ask for.
func (s Status) Failed() bool {
	return strings.HasSuffix(string(s), "_FAILED") || strings.Contains(string(s), "ROLLBACK")
}

// updatable reports whether an update may begin.
func (s Status) updatable() bool {
	switch s {
	case CreateComplete, UpdateComplete, UpdateRollbackComplete, CreateFailed, UpdateFailed:
		return true
	}
	return false
}
