package main

import (
	"net"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	tests := []struct {
		name                          string
		port, awsPort, armPort, scale string
		want                          string // in the error; "" for none
	}{
		{"any ports", "0", "0", "0", "0.01", ""},
		{"a port that is taken", "0", port, "0", "", "another program has port " + port + ": stop it, or choose another with AWS_PORT="},
		{"one port twice", "0", "8090", "8090", "", "AWS_PORT and ARM_PORT are both 8090: choose another with ARM_PORT="},
		{"one that another setting has by default", "8081", "", "0", "", "PORT and AWS_PORT are both 8081"},
		{"no port", "99999", "0", "0", "", "PORT=99999"},
		{"no number", "0", "0", "0", "fast", "WAIT_SCALE=fast: want a number above 0"},
		{"no wait at all", "0", "0", "0", "0", "WAIT_SCALE=0: want a number above 0"},
		{"not a number", "0", "0", "0", "NaN", "WAIT_SCALE=NaN: want a number above 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			settings := map[string]string{"PORT": test.port, "AWS_PORT": test.awsPort, "ARM_PORT": test.armPort, "WAIT_SCALE": test.scale}
			err := check(func(name string) string { return settings[name] })
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}
