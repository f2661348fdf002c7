package lambdahttp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"

	"aoai-bridge/shared/lambdahttp"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
)

// TestMain makes this binary its own bootstrap: a Lambda host starts it with a Runtime API to serve.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
		lambdahttp.Fit(os.Getenv)
		lambdahttp.Start(lambdahttp.Function{HTTP: handlers("http"), Direct: handlers("direct"), Path: path, Log: telemetry.NewLog(os.Stdout, "aoai-bridge", "test")})
	}
	os.Exit(m.Run())
}

// path reads where a bare payload goes from the payload itself.
func path(payload []byte) (string, error) {
	var p struct{ Path string }
	if json.Unmarshal(payload, &p) != nil || p.Path == "" {
		return "", openaierr.Invalid("path", "missing_required_parameter", "The payload has no path.")
	}
	return p.Path, nil
}

func handlers(kind string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", echo)
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("/kind", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"kind":%q,"pid":%d}`, kind, os.Getpid())
	})
	mux.HandleFunc("/limits", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%d %d", runtime.GOMAXPROCS(0), debug.SetMemoryLimit(-1))
	})
	mux.HandleFunc("/empty", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/headers", headers)
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("a secret reason") })
	mux.HandleFunc("/panic-late", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "part"); panic("late") })
	mux.HandleFunc("/abort", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "part")
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/abort-early", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/stream", stream)
	mux.HandleFunc("/until-done", untilDone)
	mux.HandleFunc("/error", failure)
	return mux
}

// echo describes the request, except for what differs from run to run.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(struct {
		Method, Host, RemoteAddr, Path string
		Query                          url.Values
		Header                         http.Header
		ContentLength                  int64
		Body                           string
	}{r.Method, r.Host, r.RemoteAddr, r.URL.Path, r.URL.Query(), r.Header, r.ContentLength, string(body)})
}

func headers(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h["Set-Cookie"] = []string{"a=1", "b=2"}
	h["X-Many"] = []string{"1", "2"}
	h.Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusTeapot)
	h.Set("X-Late", "1")
	w.WriteHeader(http.StatusOK)
}

// stream sends "first", then goes through the gate, then sends the rest.
func stream(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "first ")
	through(r, "")
	_, _ = io.WriteString(w, "second")
}

// untilDone waits until the call is over, and tells the gate why if the request names one.
func untilDone(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("begin") {
		_, _ = io.WriteString(w, "begun ")
	}
	<-r.Context().Done()
	if r.URL.Query().Has("gate") {
		through(r, r.Context().Err().Error())
	}
	w.WriteHeader(http.StatusGatewayTimeout)
	_, _ = io.WriteString(w, r.Context().Err().Error())
}

// through returns once the gate lets the request pass.
func through(r *http.Request, note string) {
	response, err := http.Get(r.URL.Query().Get("gate") + "?note=" + url.QueryEscape(note))
	if err != nil {
		panic(err)
	}
	response.Body.Close()
}

// failure answers with an error as the payload describes it.
func failure(w http.ResponseWriter, r *http.Request) {
	var p struct {
		Status     int
		Code, Type string
		Raw        string
	}
	body, err := io.ReadAll(r.Body)
	if err := errors.Join(err, json.Unmarshal(body, &p)); err != nil {
		panic(err)
	}
	if p.Raw != "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(p.Raw)))
		w.WriteHeader(p.Status)
		_, _ = io.WriteString(w, p.Raw)
		return
	}
	openaierr.Write(w, &openaierr.Error{Status: p.Status, Code: p.Code, Type: p.Type, Message: "m"})
}
