package main

import (
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"
)

// User is one user of the shop.
type User struct {
	ID        string    `json:"id" dynamodbav:"id"`
	UserID    string    `json:"-" dynamodbav:"userId"` // what the stream's consumers look for
	Name      string    `json:"name" dynamodbav:"name"`
	Email     string    `json:"email" dynamodbav:"email"`
	Status    string    `json:"status" dynamodbav:"status"`
	CreatedAt time.Time `json:"createdAt" dynamodbav:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt" dynamodbav:"updatedAt"`
}

// UserRequest is the body of POST and PUT.
type UserRequest struct {
	Name   string `json:"name"`
	Email  string `json:"email"`
	Status string `json:"status"`
}

// FieldError says what is wrong with one field of a body.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

const maxName = 100

// Validate returns one error for each field that is wrong, and puts the others
// into their stored form.
func (r *UserRequest) Validate() []FieldError {
	var out []FieldError
	r.Name = strings.TrimSpace(r.Name)
	switch n := utf8.RuneCountInString(r.Name); {
	case n == 0:
		out = append(out, FieldError{"name", "is required"})
	case n > maxName:
		out = append(out, FieldError{"name", "must have at most 100 characters"})
	}
	r.Email = strings.ToLower(strings.TrimSpace(r.Email))
	switch addr, err := mail.ParseAddress(r.Email); {
	case r.Email == "":
		out = append(out, FieldError{"email", "is required"})
	case err != nil || addr.Address != r.Email:
		out = append(out, FieldError{"email", "is not an e-mail address"})
	}
	switch r.Status {
	case "", "active", "inactive":
	default:
		out = append(out, FieldError{"status", "must be active or inactive"})
	}
	return out
}
