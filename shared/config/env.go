// Package config reads a function's environment, which the owner of a stack sets. It does not act on the settings.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// Env is the environment of a function, as template.yaml sets it.
type Env struct {
	Stack            string        // STACK_NAME: the stack that the function belongs to, a dimension of its metrics
	AzureSecretID    string        // AZURE_SECRET_ID: name or ARN of the Azure secret
	CallersSecretID  string        // CALLERS_SECRET_ID: name or ARN of the callers' secret
	ConnectTimeout   time.Duration // CONNECT_TIMEOUT: to reach Azure
	FirstByteTimeout time.Duration // FIRST_BYTE_TIMEOUT: from the call to Azure's first byte, all tries together
	IdleTimeout      time.Duration // IDLE_TIMEOUT: between two bytes of an answer
	MaxRetries       int           // MAX_RETRIES: tries after the first
	RetryAfterCap    time.Duration // RETRY_AFTER_CAP: the longest wait before a retry
	LogLevel         slog.Level    // LOG_LEVEL: debug, info, warn or error
	CORSOrigins      string        // CORS_ORIGINS: origins whose pages may call from a browser, separated by commas; "*" is every one, "" none
}

// FromEnvironment reads the variables through getenv. The error names every variable that is wrong.
func FromEnvironment(getenv func(string) string) (Env, error) {
	r := reader{getenv: getenv}
	e := Env{
		Stack:            cmp.Or(getenv("STACK_NAME"), "aoai-bridge"),
		AzureSecretID:    r.required("AZURE_SECRET_ID", "aoai-bridge/azure"),
		CallersSecretID:  r.required("CALLERS_SECRET_ID", "aoai-bridge/callers"),
		ConnectTimeout:   r.duration("CONNECT_TIMEOUT", 5*time.Second),
		FirstByteTimeout: r.duration("FIRST_BYTE_TIMEOUT", 290*time.Second),
		IdleTimeout:      r.duration("IDLE_TIMEOUT", 5*time.Minute),
		MaxRetries:       r.count("MAX_RETRIES", 2),
		RetryAfterCap:    r.duration("RETRY_AFTER_CAP", 2*time.Second),
		CORSOrigins:      r.origins("CORS_ORIGINS"),
	}
	if level := getenv("LOG_LEVEL"); level != "" {
		if err := e.LogLevel.UnmarshalText([]byte(level)); err != nil {
			r.fail("LOG_LEVEL", level, "debug, info, warn or error")
		}
	}
	return e, errors.Join(r.errs...)
}

type reader struct {
	getenv func(string) string
	errs   []error
}

func (r *reader) fail(name, value, example string) {
	r.errs = append(r.errs, fmt.Errorf("environment variable %s is %q, want for example %s", name, value, example))
}

func (r *reader) required(name, example string) string {
	value := r.getenv(name)
	if value == "" {
		r.fail(name, value, example)
	}
	return value
}

func (r *reader) duration(name string, fallback time.Duration) time.Duration {
	value := r.getenv(name)
	if value == "" {
		return fallback
	}
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		r.fail(name, value, fallback.String())
	}
	return d
}

func (r *reader) count(name string, fallback int) int {
	value := r.getenv(name)
	if value == "" {
		return fallback
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		r.fail(name, value, strconv.Itoa(fallback))
	}
	return n
}
