package azureopenai

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
)

func TestRequestsAreRecorded(t *testing.T) {
	s, url := start(t, nil)
	body := strings.Replace(ask("Say one two"), "{", `{"stream":true,"x":9007199254740993,`, 1)
	_, answer := do(t, "POST", url+"/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", body, "X-Mine: 1")
	do(t, "POST", url+chatPath, "\xff")
	var got struct {
		Counts   Counts
		Requests []struct {
			Method, Path, Query, Deployment, Auth, Credential, Body string
			Base64                                                  []byte `json:"body_base64"`
			Headers                                                 map[string][]string
			Status, Events, Bytes                                   int
			Done                                                    bool
		}
	}
	if _, err := s.WaitRequests(t.Context(), allDone); err != nil {
		t.Fatal(err)
	}
	_, list := do(t, "GET", url+"/_emulator/requests", "")
	if err := json.Unmarshal([]byte(list), &got); err != nil {
		t.Fatal(err)
	}
	r := got.Requests[0]
	if r.Method != "POST" || r.Query != "api-version=2024-10-21" || r.Deployment != "gpt-4o" || r.Body != body || r.Headers["X-Mine"][0] != "1" {
		t.Errorf("%+v", r)
	}
	if r.Auth != "api-key" || r.Credential != fingerprint("k") || strings.Contains(list, `"Api-Key"`) {
		t.Errorf("credential: %+v", r)
	}
	if r.Status != 200 || r.Events != len(events(t, answer)) || r.Bytes != len(answer) || !r.Done {
		t.Errorf("the answer of %d bytes: %+v", len(answer), r)
	}
	if string(got.Requests[1].Base64) != "\xff" {
		t.Errorf("%+v", got.Requests[1])
	}
	if got.Counts.Total != 2 || got.Counts.ByStatus[200] != 1 || got.Counts.ByStatus[400] != 1 {
		t.Errorf("%+v", got.Counts)
	}
	do(t, "DELETE", url+"/_emulator/requests", "")
	if len(s.Requests()) != 0 || s.Counts().Total != 0 {
		t.Error("DELETE forgets nothing")
	}
}

func TestRecordingIsBounded(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*Options)
		want    int
		firstID int64
	}{
		{"few", func(o *Options) { o.KeepRequests = 3 }, 3, 38},
		{"none", func(o *Options) { o.DisableRecording = true }, 0, 0},
		{"default", nil, 40, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, url := start(t, tt.change)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range 5 {
						do(t, "POST", url+chatPath, ask("hi"))
					}
				})
			}
			wg.Wait()
			kept := s.Requests()
			if len(kept) != tt.want || tt.want > 0 && kept[0].ID != tt.firstID {
				t.Errorf("%d kept", len(kept))
			}
			if c := s.Counts(); c.Total != 40 {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestLargeBodiesArePushedOut(t *testing.T) {
	l := requestLog{keep: 10}
	for range 5 {
		l.begin(Request{Body: make([]byte, maxKeptBytes/2)})
	}
	if len(l.kept) != 2 || l.bytes != maxKeptBytes {
		t.Errorf("%d requests, %d bytes", len(l.kept), l.bytes)
	}
}
