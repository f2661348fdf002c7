// Console serves the page at /console: chats, tokens, batches and search in a browser. The page calls the API of
// the same origin with the key that its user gives it; this function has no key and reads no secret.
package main

import (
	"log/slog"
	"net/http"
	"os"

	"aoai-bridge/shared/lambdahttp"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
)

func main() {
	lambdahttp.Fit(os.Getenv)
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambdahttp.Start(lambdahttp.Function{
		HTTP:   newPage(),
		Direct: http.NotFoundHandler(),
		Path: func([]byte) (string, error) {
			return "", openaierr.Invalid("", "invalid_event", "This function serves a page to browsers, by HTTP. Invoke ChatFunction or one of the others.")
		},
		Log: telemetry.NewLog(os.Stdout, os.Getenv("STACK_NAME"), "console"),
	})
}
