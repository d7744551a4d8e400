package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Users is where users are kept.
type Users interface {
	Get(ctx context.Context, id string) (*User, error)
	Create(ctx context.Context, r UserRequest) (*User, error)
	Update(ctx context.Context, id string, r UserRequest) (*User, error)
	Delete(ctx context.Context, id string) error
}

// The errors of Users.
var (
	ErrNotFound   = errors.New("user not found")
	ErrEmailTaken = errors.New("another user has this e-mail address")
)

// API answers the HTTP requests.
type API struct {
	Users Users
	Log   *slog.Logger
}

// Handle answers one request of API Gateway.
func (a *API) Handle(ctx context.Context, r events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	a.Log.InfoContext(ctx, "processing request", "method", r.HTTPMethod, "path", r.Path, "requestId", r.RequestContext.RequestID)
	resp, err := a.route(ctx, r)
	if err != nil {
		resp = a.failure(ctx, err)
	}
	resp.Headers["Content-Type"] = "application/json"
	resp.Headers["Access-Control-Allow-Origin"] = "*"
	return resp, nil
}

func (a *API) route(ctx context.Context, r events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	id := userID(r.Path)
	switch r.HTTPMethod {
	case http.MethodPost:
		if id != "" {
			return methodNotAllowed("GET, PUT, DELETE, OPTIONS"), nil
		}
		return a.create(ctx, r)
	case http.MethodGet, http.MethodPut, http.MethodDelete:
		if id == "" {
			return reply(http.StatusBadRequest, problem{Message: "User ID is required"}), nil
		}
	default:
		return methodNotAllowed("GET, POST, PUT, DELETE, OPTIONS"), nil
	}
	switch r.HTTPMethod {
	case http.MethodGet:
		user, err := a.Users.Get(ctx, id)
		return reply(http.StatusOK, user), err
	case http.MethodPut:
		return a.update(ctx, id, r)
	}
	resp := reply(http.StatusNoContent, nil)
	return resp, a.Users.Delete(ctx, id)
}

func (a *API) create(ctx context.Context, r events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	body, bad := read(r)
	if bad != nil {
		return *bad, nil
	}
	user, err := a.Users.Create(ctx, body)
	if err != nil {
		return events.APIGatewayProxyResponse{}, err
	}
	resp := reply(http.StatusCreated, user)
	resp.Headers["Location"] = "/users/" + user.ID
	return resp, nil
}

func (a *API) update(ctx context.Context, id string, r events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	body, bad := read(r)
	if bad != nil {
		return *bad, nil
	}
	user, err := a.Users.Update(ctx, id, body)
	return reply(http.StatusOK, user), err
}

// read decodes and validates a body; the response is for one that is no good.
func read(r events.APIGatewayProxyRequest) (UserRequest, *events.APIGatewayProxyResponse) {
	var body UserRequest
	text := []byte(r.Body)
	if r.IsBase64Encoded {
		var err error
		if text, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			text = nil
		}
	}
	if err := json.Unmarshal(text, &body); err != nil {
		resp := reply(http.StatusBadRequest, problem{Message: "Invalid request body"})
		return body, &resp
	}
	if errs := body.Validate(); errs != nil {
		resp := reply(http.StatusBadRequest, problem{Message: "Validation failed", Errors: errs})
		return body, &resp
	}
	return body, nil
}

// userID is the second segment of /users/{id}; "" when there is none.
func userID(path string) string {
	segments := strings.Split(path, "/")
	if len(segments) < 3 {
		return ""
	}
	return segments[2]
}

type problem struct {
	Message string       `json:"message"`
	Errors  []FieldError `json:"errors,omitempty"`
}

func (a *API) failure(ctx context.Context, err error) events.APIGatewayProxyResponse {
	switch {
	case errors.Is(err, ErrNotFound):
		return reply(http.StatusNotFound, problem{Message: "User not found"})
	case errors.Is(err, ErrEmailTaken):
		return reply(http.StatusConflict, problem{Message: "Validation failed", Errors: []FieldError{{"email", "is already in use"}}})
	}
	a.Log.ErrorContext(ctx, "request failed", "err", err)
	return reply(http.StatusInternalServerError, problem{Message: "Internal server error"})
}

func methodNotAllowed(allow string) events.APIGatewayProxyResponse {
	resp := reply(http.StatusMethodNotAllowed, problem{Message: "Method not allowed"})
	resp.Headers["Allow"] = allow
	return resp
}

func reply(status int, body any) events.APIGatewayProxyResponse {
	resp := events.APIGatewayProxyResponse{StatusCode: status, Headers: map[string]string{}}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			panic(err) // our own types always marshal
		}
		resp.Body = string(text)
	}
	return resp
}
