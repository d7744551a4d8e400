package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// vault has one secret, and counts how often it is read.
type vault struct {
	value string
	reads int
}

func (v *vault) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	v.reads++
	if v.value == "" {
		return nil, errors.New("no secret")
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: &v.value}, nil
}

func TestSecretIsReadOnceInFiveMinutes(t *testing.T) {
	v := &vault{}
	s := &Secret{ID: "webhook", For: 5 * time.Minute, Store: v}
	start := time.Unix(0, 0)
	for _, step := range []struct {
		after time.Duration
		value string // what is in the vault by then
		want  string // "": an error
		reads int
	}{
		{0, "", "", 1}, // what failed is tried again at once
		{0, "not base64", "", 2},
		{0, "whsec_b25l", "one", 3},
		{5*time.Minute - 1, "dHdv", "one", 3},
		{5 * time.Minute, "dHdv", "two", 4},
		{10*time.Minute - 1, "dHdv", "two", 4},
	} {
		v.value = step.value
		key, err := s.Key(t.Context(), start.Add(step.after))
		if string(key) != step.want || (err == nil) != (step.want != "") || v.reads != step.reads {
			t.Errorf("after %v: %q, %v, %d reads", step.after, key, err, v.reads)
		}
	}
}
