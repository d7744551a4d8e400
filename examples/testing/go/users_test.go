// Package users tests examples/shop as a whole: HTTP, table, stream and mail.
package users

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/nubetest"
)

// post creates a user and returns it as the API answers it.
func post(t *testing.T, c *nubetest.Cloud, name, email string) (user struct{ ID, Name, Email string }) {
	t.Helper()
	resp, err := http.Post(c.Gateway()+"/users", "application/json", strings.NewReader(`{"name":"`+name+`","email":"`+email+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("POST /users: %s", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&user); err != nil {
		t.Fatal(err)
	}
	return user
}

// welcomes returns to whom a welcome was sent.
func welcomes(t *testing.T, c *nubetest.Cloud) (to []string) {
	t.Helper()
	for _, m := range c.Mail(t) {
		if strings.HasPrefix(m.Subject, "Welcome, ") {
			to = append(to, m.To...)
		}
	}
	return to
}

func TestCreateUserReturnsSuccess(t *testing.T) {
	t.Parallel()
	c := nubetest.Start(t, nubetest.Dir("../../shop"))

	user := post(t, c, "Integration Test User", "it@example.com")

	if user.Name != "Integration Test User" || user.ID == "" {
		t.Errorf("the API has made %+v", user)
	}
}

func TestWelcome(t *testing.T) {
	t.Parallel()
	c := nubetest.Start(t, nubetest.Dir("../../shop"))

	post(t, c, "Ada", "ada@example.com")
	c.Settle(t) // table → stream → function → mail: done when this returns

	if to := welcomes(t, c); len(to) != 1 || to[0] != "ada@example.com" {
		t.Errorf("welcomes were sent to %q", to)
	}
}

// The function that sends the welcome is killed at its first attempt. The record
// of the stream comes again, and the mail is sent.
func TestWelcomeAfterACrash(t *testing.T) {
	t.Parallel()
	c := nubetest.Start(t, nubetest.Dir("../../shop"), nubetest.At(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
	crash := c.Fault(t, nubetest.Fault{Kind: nubetest.Kill, Function: "dynamoDbProcessor", Count: 1})

	post(t, c, "Ada", "ada@example.com")
	c.Clock().Advance(t, time.Hour) // through every retry; it takes milliseconds

	if crash.Hits() != 1 {
		t.Error("the function was not killed")
	}
	if to := welcomes(t, c); len(to) != 1 || to[0] != "ada@example.com" {
		t.Errorf("welcomes were sent to %q", to)
	}
}
