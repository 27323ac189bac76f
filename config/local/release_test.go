package local_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// releases is a server with the layout of the release hosts. Handlers take the place of files.
type releases struct {
	files      map[string][]byte
	handlers   map[string]http.HandlerFunc
	etcd       string // the path of etcd's archive
	kubernetes string // the path of the folder of Kubernetes' programs
	url        string

	mu       sync.Mutex
	requests []string
}

var released = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"}

func newReleases(t *testing.T) *releases {
	t.Helper()
	r := &releases{files: map[string][]byte{}, handlers: map[string]http.HandlerFunc{}}
	version := requirements(t, "tools/kubernetes")["k8s.io/kubernetes"]
	r.kubernetes = "/release/" + version + "/bin/linux/amd64/"
	for _, name := range released[1:] {
		r.publish(name, releasedProgram(name))
	}
	version = requirements(t, "tools/etcd")["go.etcd.io/etcd/server/v3"]
	folder := "etcd-" + version + "-linux-amd64"
	r.etcd = "/etcd/" + version + "/" + folder + ".tar.gz"
	r.publishEtcd(archive(t, map[string][]byte{folder + "/README.md": nil, folder + "/etcd": releasedProgram("etcd")}))
	server := httptest.NewServer(r)
	t.Cleanup(func() {
		server.CloseClientConnections() // a download that goes on would keep Close waiting
		server.Close()
	})
	r.url = server.URL
	return r
}

func releasedProgram(name string) []byte {
	return append([]byte("#!/bin/sh\n# "+name+"\n"), bytes.Repeat([]byte("# released\n"), 10_000)...)
}

func archive(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func checksum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// The checksum of a program of Kubernetes is a file of its own, without a line's end.
func (r *releases) publish(name string, content []byte) {
	r.files[r.kubernetes+name] = content
	r.files[r.kubernetes+name+".sha256"] = []byte(checksum(content))
}

func (r *releases) publishEtcd(content []byte) {
	r.files[r.etcd] = content
	r.files[path.Dir(r.etcd)+"/SHA256SUMS"] = fmt.Appendf(nil, "%s  %s\n%s  %s\n",
		checksum(nil), strings.Replace(path.Base(r.etcd), "amd64", "arm64", 1), checksum(content), path.Base(r.etcd))
}

func (r *releases) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.requests = append(r.requests, strings.TrimSpace(req.URL.Path+" "+req.Header.Get("Range")))
	r.mu.Unlock()
	if handler, ok := r.handlers[req.URL.Path]; ok {
		handler(w, req)
		return
	}
	content, ok := r.files[req.URL.Path]
	if !ok {
		http.NotFound(w, req)
		return
	}
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(content))
}

// requested returns what was asked for, and forgets it.
func (r *releases) requested() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests := r.requests
	r.requests = nil
	return requests
}

// breakOff sends half of a program and closes the connection, the first times or always.
func (r *releases) breakOff(name string, times int, then http.HandlerFunc) {
	file := r.kubernetes + name
	count := 0
	r.handlers[file] = func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		count++
		broken := count <= times
		r.mu.Unlock()
		if !broken {
			then(w, req)
			return
		}
		content := r.files[file]
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write(content[:len(content)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func (r *releases) whole(name string, ranges bool) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		content := r.files[r.kubernetes+name]
		if ranges {
			http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(content))
		} else {
			_, _ = w.Write(content)
		}
	}
}

func (r *releases) env(programs string) []string {
	// a busy machine may need longer than a user should wait for a host
	return []string{"PROBE_SECONDS=60", "PROGRAMS=" + programs, "KUBERNETES_RELEASES=" + r.url + "/release", "ETCD_RELEASES=" + r.url + "/etcd/"}
}

// newLinuxMachine is one that the release hosts have programs for.
func newLinuxMachine(t *testing.T) *machine {
	t.Helper()
	m := newMachine(t)
	m.program(t, "go", goStandIn)
	m.program(t, "uname", `case $1 in -s) echo Linux ;; *) echo x86_64 ;; esac`)
	return m
}

// origins says of each program whether it is released, compiled or missing. Everything else that
// lies beside them is an error.
func (m *machine) origins(t *testing.T) map[string]string {
	t.Helper()
	bin := filepath.Join(m.cache(), "local", "bin")
	origins := map[string]string{}
	entries, err := os.ReadDir(bin)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if program, ok := strings.CutPrefix(name, "."); ok {
			if program, ok := strings.CutSuffix(program, ".version"); !ok || origins[program] != "" {
				t.Errorf("left behind: %s", name)
			}
			continue
		}
		content, err := os.ReadFile(filepath.Join(bin, name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be run", name)
		}
		switch {
		case bytes.Equal(content, releasedProgram(name)):
			origins[name] = "released"
		case string(content) == "#!/bin/bash\nexit 0\n":
			origins[name] = "compiled"
		default:
			t.Errorf("%s is neither released nor compiled: %.60q", name, content)
		}
	}
	return origins
}

// What is downloaded is verified before it is there. What cannot be downloaded ends with a sentence;
// only PROGRAMS=auto compiles it then.
func TestReleasedPrograms(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		change   func(*releases)
		env      []string
		want     []string // what is said
		failed   []string // programs that cannot be downloaded
		requests []string // that are among the requests
	}{
		{name: "good", change: func(*releases) {}, want: []string{"downloading kube-apiserver v", "(1 of 5)", "0 MB, with the checksum in http"}},
		{
			name: "a wrong checksum", failed: []string{"kube-apiserver"},
			change: func(r *releases) { r.files[r.kubernetes+"kube-apiserver.sha256"] = []byte(checksum(nil)) },
			want:   []string{"its SHA-256 checksum is " + checksum(releasedProgram("kube-apiserver")) + ", but http", "kube-apiserver.sha256 has " + checksum(nil) + ". The file was deleted"},
		},
		{
			name: "a wrong checksum of etcd", failed: []string{"etcd"},
			change: func(r *releases) { r.files[r.etcd] = archive(t, nil) },
			want:   []string{"SHA256SUMS has "},
		},
		{
			name: "truncated", failed: []string{"kubectl"},
			change: func(r *releases) { r.breakOff("kubectl", 100, nil) },
			want:   []string{"trying once more", "not downloaded: kubectl: ", "curl: (18)"},
		},
		{
			name: "truncated, but as if it were whole", failed: []string{"kubectl"},
			change: func(r *releases) { r.files[r.kubernetes+"kubectl"] = releasedProgram("kubectl")[:5000] },
			want:   []string{"its SHA-256 checksum is "},
		},
		{
			name:     "truncated once",
			change:   func(r *releases) { r.breakOff("kubectl", 1, r.whole("kubectl", true)) },
			want:     []string{"trying once more"},
			requests: []string{fmt.Sprintf("kubectl bytes=%d-", len(releasedProgram("kubectl"))/2)},
		},
		{
			name:   "truncated once by a host that sends whole files only",
			change: func(r *releases) { r.breakOff("kubectl", 1, r.whole("kubectl", false)) },
			want:   []string{"trying once more"},
		},
		{
			name: "a program is missing", failed: []string{"kube-scheduler"},
			change: func(r *releases) { delete(r.files, r.kubernetes+"kube-scheduler") },
			want:   []string{"not downloaded: kube-scheduler: ", "error: 404"},
		},
		{
			name: "a checksum is missing", failed: []string{"kube-scheduler"},
			change: func(r *releases) { delete(r.files, r.kubernetes+"kube-scheduler.sha256") },
			want:   []string{"kube-scheduler.sha256: curl: (22)"},
		},
		{
			name: "redirects",
			change: func(r *releases) {
				for file, content := range r.files {
					r.files["/elsewhere"+file] = content
					r.handlers[file] = func(w http.ResponseWriter, req *http.Request) {
						http.Redirect(w, req, "/elsewhere"+file, http.StatusFound)
					}
				}
			},
			requests: []string{"/elsewhere"},
		},
		{
			name: "a download that stalls", failed: []string{"kubectl"}, env: []string{"STALL_SECONDS=5"},
			change: func(r *releases) {
				r.handlers[r.kubernetes+"kubectl"] = func(w http.ResponseWriter, req *http.Request) {
					_, _ = io.WriteString(w, "#!/bin/sh\n")
					_ = http.NewResponseController(w).Flush()
					<-req.Context().Done()
				}
			},
			want: []string{"curl: (28)", "If your network has a proxy, set HTTPS_PROXY"},
		},
		{
			name: "an archive without etcd", failed: []string{"etcd"},
			change: func(r *releases) { r.publishEtcd(archive(t, map[string][]byte{"README.md": nil})) },
			want:   []string{"etcd cannot be unpacked from it"},
		},
	} {
		for _, programs := range []string{"release", "auto"} {
			t.Run(tt.name+"/"+programs, func(t *testing.T) {
				t.Parallel()
				m, r := newLinuxMachine(t), newReleases(t)
				tt.change(r)
				out, err := m.run(t, append(r.env(programs), tt.env...), filepath.Join(copyFolder(t), "build"), "for", "process")
				fails := len(tt.failed) > 0 && programs == "release"
				if (err != nil) != fails {
					t.Fatalf("%v: %s", err, out)
				}
				want := tt.want
				if fails {
					want = append(want, "error: PROGRAMS=release, but these programs could not be downloaded: "+tt.failed[0])
				}
				for _, text := range want {
					if !strings.Contains(out, text) {
						t.Errorf("no %q in\n%s", text, out)
					}
				}
				requests := strings.Join(r.requested(), "\n")
				for _, text := range tt.requests {
					if !strings.Contains(requests, text) {
						t.Errorf("no request %q in\n%s", text, requests)
					}
				}
				origins := m.origins(t)
				for _, name := range released {
					want := "released"
					if slices.Contains(tt.failed, name) {
						want = "compiled"
						if fails {
							want = ""
						}
					}
					if origins[name] != want {
						t.Errorf("%s is %q, want %q", name, origins[name], want)
					}
				}
			})
		}
	}
}

// A host that cannot be reached, or does not have the release, is found out before anything is
// built, and its programs are compiled. PROGRAMS=release does not begin then.
func TestUnreachableReleases(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*releases)
		env    func(*releases) []string
		want   string
	}{
		{
			name: "no answer", want: "curl: (28)",
			env: func(*releases) []string { return []string{"PROBE_SECONDS=5"} },
			change: func(r *releases) {
				for file := range r.files {
					if strings.HasPrefix(file, r.kubernetes) {
						r.handlers[file] = func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }
					}
				}
			},
		},
		{
			name: "nothing listens", want: ". If your network has a proxy, set HTTPS_PROXY.",
			env: func(*releases) []string { return []string{"KUBERNETES_RELEASES=http://127.0.0.1:1/release"} },
		},
		{
			name: "another version", want: "error: 404",
			change: func(r *releases) {
				for file := range r.files {
					if strings.HasPrefix(file, r.kubernetes) {
						delete(r.files, file)
					}
				}
			},
		},
		{
			name: "a page of a login", want: "this is not a file with a SHA-256 checksum of kube-apiserver. Is it a page of a proxy or of a login?",
			change: func(r *releases) {
				r.files[r.kubernetes+"kube-apiserver.sha256"] = []byte("<html><p>Please log in</p></html>\n")
			},
		},
		{
			name: "a proxy that does not answer", want: "Requests use the proxy in HTTPS_PROXY: check that it allows this host",
			env: func(*releases) []string {
				return []string{"KUBERNETES_RELEASES=https://releases.example.com", "HTTPS_PROXY=http://user:secret@127.0.0.1:1"}
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, r := newLinuxMachine(t), newReleases(t)
			m.program(t, "id", "echo 65534")
			if tt.change != nil {
				tt.change(r)
			}
			var env []string
			if tt.env != nil {
				env = tt.env(r)
			}
			here := copyFolder(t)
			env = append(env, "CLUSTER=process")

			out, err := m.run(t, append(r.env("release"), env...), filepath.Join(here, "check"), "plan")
			if err == nil || !strings.Contains(out, "Kubernetes v") || !strings.Contains(out, " cannot be downloaded, but PROGRAMS=release asks for it: ") || !strings.Contains(out, tt.want) {
				t.Errorf("%v: %s", err, out)
			}

			r.requested()
			out, err = m.run(t, append(r.env("auto"), env...), filepath.Join(here, "check"), "plan")
			if err != nil || !strings.HasSuffix(out, "\nprocess etcd\n") || !strings.Contains(out, " is compiled: ") || !strings.Contains(out, tt.want) {
				t.Errorf("%v: %s", err, out)
			}
			if !strings.Contains(out, "is downloaded from "+r.url+"/etcd/.") {
				t.Errorf("nothing about etcd: %s", out)
			}
			if strings.Contains(out, "secret") {
				t.Errorf("the proxy's password: %s", out)
			}
			if requests := r.requested(); len(requests) > 2 {
				t.Errorf("more than one request a host: %q", requests)
			}

			// the demo passes on what check found out
			if out, err = m.run(t, append(r.env("auto"), append(env, "DOWNLOAD_FROM=etcd")...), filepath.Join(here, "build"), "for", "process"); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			origins := m.origins(t)
			for _, name := range released {
				want := "compiled"
				if name == "etcd" {
					want = "released"
				}
				if origins[name] != want {
					t.Errorf("%s is %q, want %q", name, origins[name], want)
				}
			}
		})
	}
}

// What was downloaded is not downloaded again, and needs no host any more. Neither is what was
// compiled, unless PROGRAMS asks for the other.
func TestProgramsAreDownloadedOnce(t *testing.T) {
	t.Parallel()
	m, r := newLinuxMachine(t), newReleases(t)
	here := copyFolder(t)
	for _, step := range []struct {
		name     string
		programs string
		verb     string
		requests bool
		builds   int // of the released programs
		origin   string
	}{
		{name: "an empty cache", programs: "auto", verb: "for", requests: true, origin: "released"},
		{name: "a second run", programs: "auto", verb: "for", origin: "released"},
		{name: "releases are asked for, and there", programs: "release", verb: "for", origin: "released"},
		{name: "compiled ones are asked for", programs: "compile", verb: "for", builds: len(released), origin: "compiled"},
		{name: "compiled ones are there", programs: "auto", verb: "for", origin: "compiled"},
		{name: "releases are asked for", programs: "release", verb: "for", requests: true, origin: "released"},
		{name: "for the tests", verb: "tools", builds: len(released), origin: "compiled"},
		{name: "for the tests, on request", programs: "release", verb: "tools", requests: true, origin: "released"},
	} {
		args := []string{step.verb, "process"}
		if step.verb == "tools" {
			args = append([]string{"tools"}, released...)
		}
		out, err := m.run(t, r.env(step.programs), filepath.Join(here, "build"), args...)
		if err != nil {
			t.Fatalf("%s: %v: %s", step.name, err, out)
		}
		if step.name == "for the tests" && !strings.Contains(out, " is compiled: the tests use compiled programs, and PROGRAMS is not set.") {
			t.Errorf("%s: no reason in %s", step.name, out)
		}
		if requests := r.requested(); (len(requests) > 0) != step.requests {
			t.Errorf("%s: requested %q", step.name, requests)
		}
		builds := 0
		for _, call := range called(m.calls(t), " build ") {
			if !strings.Contains(call, "tools/certmanager") {
				builds++
			}
		}
		if builds != step.builds {
			t.Errorf("%s: %d builds, want %d", step.name, builds, step.builds)
		}
		origins := m.origins(t)
		for _, name := range released {
			if origins[name] != step.origin {
				t.Errorf("%s: %s is %q, want %q", step.name, name, origins[name], step.origin)
			}
		}
	}
	if out, err := m.run(t, append(r.env("release"), "CLUSTER=process"), filepath.Join(here, "check")); err != nil || !strings.Contains(out, "The cluster's programs are in the cache.") {
		t.Errorf("%v: %s", err, out)
	}
	if requests := r.requested(); len(requests) > 0 {
		t.Errorf("check requested %q for programs that are there", requests)
	}
}

// Where a checksum is pinned, the host's counts for nothing.
func TestPinnedChecksums(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		pinned []byte // the content whose checksum is pinned
		hosts  []byte // and the host's
		fails  bool
	}{
		{name: "right", pinned: releasedProgram("kubectl")},
		{name: "wrong", pinned: releasedProgram("kube-apiserver"), hosts: releasedProgram("kubectl"), fails: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, r := newLinuxMachine(t), newReleases(t)
			here := copyFolder(t)
			file := r.kubernetes + "kubectl"
			r.files[file+".sha256"] = []byte(checksum(tt.hosts))
			line := checksum(tt.pinned) + "  " + strings.TrimPrefix(file, "/release/") + "\n"
			writeFile(t, filepath.Join(here, "checksums"), "# pinned\n"+line, 0o644)
			out, err := m.run(t, r.env("release"), filepath.Join(here, "build"), "tools", "kubectl")
			want := "with the checksum in config/local/checksums"
			if tt.fails {
				want = "but config/local/checksums has " + checksum(tt.pinned)
			}
			if (err != nil) != tt.fails || !strings.Contains(out, want) {
				t.Errorf("%v: %s", err, out)
			}
			if downloaded := m.origins(t)["kubectl"] == "released"; downloaded == tt.fails {
				t.Errorf("downloaded: %v", downloaded)
			}
		})
	}
}

// The host's certificate is what the checksum files are trusted by.
func TestReleasesOverTLS(t *testing.T) {
	t.Parallel()
	m, r := newLinuxMachine(t), newReleases(t)
	here := copyFolder(t)
	plain := r.url
	server := httptest.NewUnstartedServer(r)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // it logs the handshakes that fail
	server.StartTLS()
	t.Cleanup(server.Close)
	r.url = server.URL
	authority := filepath.Join(t.TempDir(), "ca.pem")
	writeFile(t, authority, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})), 0o644)

	out, err := m.run(t, r.env("release"), filepath.Join(here, "build"), "tools", "kubectl")
	if err == nil || !strings.Contains(out, "curl: (60)") || !strings.Contains(out, "If a proxy in your network inspects TLS, set SSL_CERT_FILE") {
		t.Errorf("an unknown authority: %v: %s", err, out)
	}
	trusting := append(r.env("release"), "SSL_CERT_FILE="+authority)
	r.handlers[r.kubernetes+"kubectl"] = func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, plain+"/elsewhere", http.StatusFound)
	}
	r.files["/elsewhere"] = releasedProgram("kubectl")
	out, err = m.run(t, trusting, filepath.Join(here, "build"), "tools", "kubectl")
	if err == nil || !strings.Contains(out, "not downloaded: kubectl: ") || slices.Contains(r.requested(), "/elsewhere") {
		t.Errorf("a redirect out of TLS: %v: %s", err, out)
	}
	delete(r.handlers, r.kubernetes+"kubectl")
	if out, err = m.run(t, trusting, filepath.Join(here, "build"), "tools", "kubectl"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if origin := m.origins(t)["kubectl"]; origin != "released" {
		t.Errorf("kubectl is %q", origin)
	}
}

// Only what is released for a system is downloaded there.
func TestReleasedForSystem(t *testing.T) {
	t.Parallel()
	all := append([]string{"kubelet", "kube-proxy"}, released...)
	for _, tt := range []struct {
		name string
		make func(*testing.T, *machine)
		want []string // that are downloaded
	}{
		{name: "Linux", make: func(*testing.T, *machine) {}, want: all},
		{
			name: "Linux without the GNU C library", want: append([]string{"kube-proxy"}, released...),
			make: func(t *testing.T, m *machine) { t.Helper(); m.program(t, "getconf", "exit 1") },
		},
		{
			name: "macOS", want: []string{"kubectl"},
			make: func(t *testing.T, m *machine) {
				t.Helper()
				m.program(t, "uname", `case $1 in -s) echo Darwin ;; *) echo arm64 ;; esac`)
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, r := newLinuxMachine(t), newReleases(t)
			m.program(t, "getconf", "exit 0")
			tt.make(t, m)
			for _, name := range all {
				r.publish(name, releasedProgram(name))
			}
			darwin := strings.Replace(r.kubernetes, "linux/amd64", "darwin/arm64", 1)
			r.files[darwin+"kubectl"] = releasedProgram("kubectl")
			r.files[darwin+"kubectl.sha256"] = []byte(checksum(releasedProgram("kubectl")))
			out, err := m.run(t, r.env("release"), filepath.Join(copyFolder(t), "build"), append([]string{"tools"}, all...)...)
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			origins := m.origins(t)
			for _, name := range all {
				want := "compiled"
				if slices.Contains(tt.want, name) {
					want = "released"
				}
				if origins[name] != want {
					t.Errorf("%s is %q, want %q", name, origins[name], want)
				}
			}
		})
	}
}

// CI compiles, unless PROGRAMS says otherwise; the reason is said, as for every other one.
func TestProgramsSetting(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		env    []string
		hidden string
		want   string
		fails  bool
	}{
		{name: "not set", env: []string{"PROGRAMS="}, want: "is downloaded from http"},
		{name: "CI", env: []string{"PROGRAMS=", "CI=true"}, want: "is compiled: CI=true, and PROGRAMS is not set."},
		{name: "CI that asks for releases", env: []string{"PROGRAMS=release", "CI=true"}, want: "is downloaded from http"},
		{name: "compile", env: []string{"PROGRAMS=compile"}, want: "is compiled: PROGRAMS=compile asks for it."},
		{name: "a typing error", env: []string{"PROGRAMS=releases"}, want: "PROGRAMS is auto, release or compile, not releases", fails: true},
		{name: "no curl", env: []string{"PROGRAMS=auto"}, hidden: "curl", want: " is compiled: curl is not installed."},
		{name: "no curl, but releases are asked for", env: []string{"PROGRAMS=release"}, hidden: "curl", want: "but PROGRAMS=release asks for it: curl is not installed.", fails: true},
		{name: "no gzip", env: []string{"PROGRAMS=auto"}, hidden: "gzip", want: " is compiled: gzip is not installed."},
		{name: "prebuilt", env: []string{"PREBUILT=1"}, want: "Using the mode process"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, r := newLinuxMachine(t), newReleases(t)
			if tt.hidden != "" {
				m.without(t, tt.hidden)
			}
			env := append(r.env("auto"), "CLUSTER=process")
			out, err := m.run(t, append(env, tt.env...), filepath.Join(copyFolder(t), "check"))
			if (err != nil) != tt.fails || !strings.Contains(out, tt.want) {
				t.Errorf("%v: %s", err, out)
			}
			if tt.name == "prebuilt" && len(r.requested()) > 0 {
				t.Error("prebuilt programs are not downloaded")
			}
		})
	}
}

// The project's own programs are compiled while others are downloaded: this download waits for it.
func TestDownloadsWhileCompiling(t *testing.T) {
	t.Parallel()
	m, r := newLinuxMachine(t), newReleases(t)
	r.handlers[r.kubernetes+"kubectl"] = func(w http.ResponseWriter, req *http.Request) {
		for req.Context().Err() == nil {
			calls, _ := os.ReadFile(filepath.Join(m.home, "calls"))
			if strings.Contains(string(calls), "./hub/cmd/hub") {
				r.whole("kubectl", true)(w, req)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if out, err := m.run(t, append(r.env("release"), "STALL_SECONDS=60"), filepath.Join(copyFolder(t), "build"), "demo", "process"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// A build that is interrupted ends its download, and leaves nothing of it.
func TestInterruptedDownload(t *testing.T) {
	t.Parallel()
	m, r := newLinuxMachine(t), newReleases(t)
	started, ended := make(chan struct{}), make(chan struct{})
	r.handlers[r.kubernetes+"kubectl"] = func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.WriteString(w, "#!/bin/sh\n")
		_ = http.NewResponseController(w).Flush()
		close(started)
		<-req.Context().Done()
		close(ended)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(copyFolder(t), "build"), "tools", "kubectl")
	cmd.Env = append(append([]string{}, m.env...), append(r.env("release"), "STALL_SECONDS=600")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor := func(what string, done <-chan struct{}) {
		t.Helper()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatalf("waited for %s", what)
		}
	}
	waitFor("the download", started)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the build succeeded")
	}
	waitFor("the end of the download", ended)
	left := filepath.Join(m.cache(), "local", "bin", "*")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		files, err := filepath.Glob(left)
		if err != nil {
			t.Fatal(err)
		}
		hidden, err := filepath.Glob(filepath.Join(filepath.Dir(left), ".download*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files)+len(hidden) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %q", append(files, hidden...))
		}
	}
}
