package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Table keeps users in a DynamoDB table. Beside each user it keeps an item
// whose key is the e-mail address; both are written in one transaction, so that
// an address belongs to one user at most.
type Table struct {
	Name string
	DB   *dynamodb.Client
}

type item = map[string]types.AttributeValue

func key(id string) item { return item{"id": &types.AttributeValueMemberS{Value: id}} }

func emailKey(email string) string { return "email#" + email }

func newID() string { return rand.Text() }

// Get returns a user, or ErrNotFound.
func (t *Table) Get(ctx context.Context, id string) (*User, error) {
	out, err := t.DB.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.Name, Key: key(id), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("get user %s: %w", id, err)
	}
	var u User
	if err := attributevalue.UnmarshalMap(out.Item, &u); err != nil {
		return nil, fmt.Errorf("get user %s: %w", id, err)
	}
	if u.UserID == "" { // nothing, or an address
		return nil, ErrNotFound
	}
	return &u, nil
}

// Create stores a new user, or returns ErrEmailTaken.
func (t *Table) Create(ctx context.Context, r UserRequest) (*User, error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	u := &User{ID: newID(), Name: r.Name, Email: r.Email, Status: r.Status, CreatedAt: now, UpdatedAt: now}
	u.UserID = u.ID
	if u.Status == "" {
		u.Status = "active"
	}
	stored, err := attributevalue.MarshalMap(u)
	if err != nil {
		return nil, fmt.Errorf("create user: %w", err)
	}
	_, err = t.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: t.address(u.Email, u.ID)},
		{Put: &types.Put{TableName: &t.Name, Item: stored, ConditionExpression: aws.String("attribute_not_exists(id)")}},
	}})
	if reasons := cancellation(err); len(reasons) > 0 && reasons[0] == "ConditionalCheckFailed" {
		return nil, ErrEmailTaken
	}
	if err != nil {
		return nil, fmt.Errorf("create user: %w", err)
	}
	return u, nil
}

// Update changes a user, and moves the address when it changed.
func (t *Table) Update(ctx context.Context, id string, r UserRequest) (*User, error) {
	return t.change(ctx, id, func(old *User) (*User, []types.TransactWriteItem, error) {
		u := *old
		u.Name, u.Email, u.UpdatedAt = r.Name, r.Email, time.Now().UTC().Truncate(time.Millisecond)
		if r.Status != "" {
			u.Status = r.Status
		}
		stored, err := attributevalue.MarshalMap(u)
		if err != nil {
			return nil, nil, err
		}
		actions := []types.TransactWriteItem{{Put: &types.Put{
			TableName: &t.Name, Item: stored, ConditionExpression: aws.String(unchanged), ExpressionAttributeValues: version(old),
		}}}
		if u.Email != old.Email {
			actions = append(actions,
				types.TransactWriteItem{Put: t.address(u.Email, id)},
				types.TransactWriteItem{Delete: &types.Delete{TableName: &t.Name, Key: key(emailKey(old.Email))}})
		}
		return &u, actions, nil
	})
}

// Delete removes a user and frees the address.
func (t *Table) Delete(ctx context.Context, id string) error {
	_, err := t.change(ctx, id, func(old *User) (*User, []types.TransactWriteItem, error) {
		return old, []types.TransactWriteItem{
			{Delete: &types.Delete{
				TableName: &t.Name, Key: key(id), ConditionExpression: aws.String(unchanged), ExpressionAttributeValues: version(old),
			}},
			{Delete: &types.Delete{TableName: &t.Name, Key: key(emailKey(old.Email))}},
		}, nil
	})
	return err
}

// unchanged holds as long as nobody has changed the user since it was read.
const unchanged = "email = :email AND updatedAt = :updatedAt"

func version(u *User) item {
	return item{
		":email":     &types.AttributeValueMemberS{Value: u.Email},
		":updatedAt": &types.AttributeValueMemberS{Value: u.UpdatedAt.Format(time.RFC3339Nano)},
	}
}

// maxAttempts bounds how often a change is tried against others of the same
// user.
const maxAttempts = 10

// change reads a user and writes what plan makes of it, in one transaction
// whose first action fails when somebody else was faster; then it starts again.
func (t *Table) change(ctx context.Context, id string, plan func(old *User) (*User, []types.TransactWriteItem, error)) (*User, error) {
	for attempt := 1; ; attempt++ {
		old, err := t.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		u, actions, err := plan(old)
		if err != nil {
			return nil, fmt.Errorf("change user %s: %w", id, err)
		}
		_, err = t.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
		switch reasons := cancellation(err); {
		case err == nil:
			return u, nil
		case len(reasons) > 1 && reasons[1] == "ConditionalCheckFailed":
			return nil, ErrEmailTaken
		case len(reasons) == 0 || attempt == maxAttempts:
			return nil, fmt.Errorf("change user %s: %w", id, err)
		}
	}
}

// address is the item that says whose an address is.
func (t *Table) address(email, id string) *types.Put {
	return &types.Put{
		TableName:           &t.Name,
		Item:                item{"id": &types.AttributeValueMemberS{Value: emailKey(email)}, "owner": &types.AttributeValueMemberS{Value: id}},
		ConditionExpression: aws.String("attribute_not_exists(id)"),
	}
}

// cancellation returns why each action of a cancelled transaction failed, or
// nothing for any other error.
func cancellation(err error) []string {
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return nil
	}
	var codes []string
	for _, reason := range canceled.CancellationReasons {
		codes = append(codes, aws.ToString(reason.Code))
	}
	return codes
}
