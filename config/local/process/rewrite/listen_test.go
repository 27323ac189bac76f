package rewrite

import (
	"net"
	"strconv"
	"testing"
)

func TestListen(t *testing.T) {
	l := Listen{Host: "127.9.9.7", Address: func(port int) string {
		if port < 1024 { // what a user who is not root gets instead
			port += 30000
		}
		return net.JoinHostPort("127.9.9.7", strconv.Itoa(port))
	}, Port: func(port int) int { return port + 1 }, Ports: []int{6080}}
	for arg, want := range map[string]string{
		":8443":                              "127.9.9.7:8443",
		"0.0.0.0:9402":                       "127.9.9.7:9402",
		"[::]:8443":                          "127.9.9.7:8443",
		":443":                               "127.9.9.7:30443",
		"0.0.0.0":                            "127.9.9.7",
		"::":                                 "127.9.9.7",
		"--metrics-listen-address=0.0.0.0:9": "--metrics-listen-address=127.9.9.7:30009",
		"-address=:8443":                     "-address=127.9.9.7:8443",
		"--host=0.0.0.0":                     "--host=127.9.9.7",
		"KEY=:8443":                          "KEY=:8443",
		"127.0.0.1:8443":                     "127.0.0.1:8443",
		"hub.example.com:443":                "hub.example.com:443",
		"10.96.0.0/16":                       "10.96.0.0/16",
		":0":                                 ":0",
		":http":                              ":http",
		":99999":                             ":99999",
		"--secure-port=10250":                "--secure-port=10250",
		"--healthz-port=6080":                "--healthz-port=6081",
		"--reports=6080":                     "--reports=6080",
		"6080":                               "6080",
		"8443":                               "8443",
		"":                                   "",
		"https://0.0.0.0:8443":               "https://0.0.0.0:8443",
		"--url=http://127.0.0.1:8443/":       "--url=http://127.0.0.1:8443/",
	} {
		if got := l.Argument(arg); got != want {
			t.Errorf("Argument(%q) = %q, want %q", arg, got, want)
		}
	}
	if got := l.Value("--x=:8443"); got != "--x=:8443" {
		t.Errorf("Value of a variable that looks like a flag = %q", got)
	}
}
