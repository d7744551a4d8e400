package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// memory is Users in a map.
type memory map[string]*User

func (m memory) Get(_ context.Context, id string) (*User, error) {
	if u, ok := m[id]; ok {
		return u, nil
	}
	return nil, ErrNotFound
}

func (m memory) Create(_ context.Context, r UserRequest) (*User, error) {
	for _, u := range m {
		if u.Email == r.Email {
			return nil, ErrEmailTaken
		}
	}
	u := &User{ID: "123", Name: r.Name, Email: r.Email}
	m[u.ID] = u
	return u, nil
}

func (m memory) Update(ctx context.Context, id string, r UserRequest) (*User, error) {
	u, err := m.Get(ctx, id)
	if err == nil {
		u.Name, u.Email = r.Name, r.Email
	}
	return u, err
}

func (m memory) Delete(ctx context.Context, id string) error {
	_, err := m.Get(ctx, id)
	delete(m, id)
	return err
}

func TestHandle(t *testing.T) {
	const ada = `{"name":"Ada","email":"ada@example.com"}`
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		field                    string // of the first field error
	}{
		{"create", "POST", "/users", `{"name":"Bob","email":"bob@example.com"}`, http.StatusCreated, ""},
		{"create twice", "POST", "/users", ada, http.StatusConflict, "email"},
		{"create without a name", "POST", "/users", `{"email":"eve@example.com"}`, http.StatusBadRequest, "name"},
		{"create with a bad address", "POST", "/users", `{"name":"Eve","email":"eve"}`, http.StatusBadRequest, "email"},
		{"create from no JSON", "POST", "/users", `{`, http.StatusBadRequest, ""},
		{"create below a user", "POST", "/users/1", ada, http.StatusMethodNotAllowed, ""},
		{"get", "GET", "/users/1", "", http.StatusOK, ""},
		{"get without an id", "GET", "/users", "", http.StatusBadRequest, ""},
		{"get nobody", "GET", "/users/2", "", http.StatusNotFound, ""},
		{"update", "PUT", "/users/1", `{"name":"Ada L.","email":"ada@example.com"}`, http.StatusOK, ""},
		{"update nobody", "PUT", "/users/2", ada, http.StatusNotFound, ""},
		{"delete", "DELETE", "/users/1", "", http.StatusNoContent, ""},
		{"delete nobody", "DELETE", "/users/2", "", http.StatusNotFound, ""},
		{"patch", "PATCH", "/users/1", ada, http.StatusMethodNotAllowed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			api := &API{Users: memory{"1": {ID: "1", Name: "Ada", Email: "ada@example.com"}}, Log: slog.New(slog.DiscardHandler)}
			resp, err := api.Handle(t.Context(), events.APIGatewayProxyRequest{HTTPMethod: c.method, Path: c.path, Body: c.body})
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status {
				t.Fatalf("status %d, want %d: %s", resp.StatusCode, c.status, resp.Body)
			}
			var p problem
			if resp.Body != "" {
				if err := json.Unmarshal([]byte(resp.Body), &p); err != nil {
					t.Fatal(err)
				}
			}
			if c.field != "" && (len(p.Errors) == 0 || p.Errors[0].Field != c.field) {
				t.Fatalf("errors %v, want one of field %s", p.Errors, c.field)
			}
			if c.status == http.StatusCreated && resp.Headers["Location"] != "/users/123" {
				t.Fatalf("Location %q, want /users/123", resp.Headers["Location"])
			}
		})
	}
}
