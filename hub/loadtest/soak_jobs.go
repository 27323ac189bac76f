package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	augerHost  = "app.auger.ai"
	augerStore = "auger-soak.s3.us-west-2.amazonaws.com"
)

// augerHosts are those that auger plays.
var augerHosts = []string{augerHost, augerStore}

// augerDestination is the integration auger: it stores a file, and the hub follows what Auger does
// with it after it has answered.
var augerDestination = rowDestination{
	name: "auger", maxRows: 100, once: true, columns: columns("", ""), row: prefixed("r"),
	fill: func(d *delivery) {
		d.params = map[string]string{"api_token": d.id}
		d.form = map[string]string{"project_name": "soak", "model_type": "regression", "train_data": "true"}
	},
}

// auger plays Auger and its object store, with the faults of each delivery.
type auger struct {
	seed uint64

	mu   sync.Mutex
	jobs map[string]*augerJob // by the delivery's identifier
}

// augerJob is a delivery, and what Auger counted of it and of its job.
type augerJob struct {
	soakCase
	met    map[string]int  // how often each call came
	stored map[string]bool // objects with all rows
	damage error
	// files, experiments and sessions were created, and sessions started, this often.
	files, experiments, sessions, started int

	// process is the hub, and succeeded what it answered.
	process   *process
	succeeded bool
}

func (a *auger) expect(c soakCase, p *process) *augerJob {
	a.mu.Lock()
	defer a.mu.Unlock()
	j := &augerJob{soakCase: c, process: p, met: map[string]int{}, stored: map[string]bool{}}
	a.jobs[c.id] = j
	return j
}

// take takes a call, as far as its fault allows.
func (a *auger) take(w http.ResponseWriter, r *http.Request) {
	status, answer, fault := a.serve(r)
	respond(w, status, answer, fault)
}

func (a *auger) serve(r *http.Request) (status int, answer any, fault string) {
	id, in, err := a.read(r)
	a.mu.Lock()
	defer a.mu.Unlock()
	j := a.jobs[id]
	if j == nil {
		return http.StatusUnauthorized, object{}, ""
	}
	if err != nil {
		j.damage = err
		return http.StatusUnprocessableEntity, object{}, ""
	}
	parts := strings.Split(strings.TrimPrefix(strings.Trim(r.URL.Path, "/"), "api/v1/"), "/")
	if len(parts) > 1 {
		parts[1] = "ID"
	}
	operation := r.Method + " " + strings.Join(parts, "/")
	j.met[operation]++
	fault = callFault(a.seed, id, j.rows.fault, j.rows.always, operation, j.met[operation])
	if fault == faultBusy || fault == faultStatus || fault == faultReset {
		return 0, nil, fault
	}
	data, err := j.answer(operation, in)
	if err != nil {
		j.damage = err
		return http.StatusUnprocessableEntity, object{}, ""
	}
	return http.StatusOK, object{"data": data}, fault
}

// read reads a call, and which delivery's it is.
func (a *auger) read(r *http.Request) (id string, in object, err error) {
	if r.Host == augerStore {
		return readForm(r)
	}
	body, err := io.ReadAll(r.Body)
	if err == nil && len(body) > 0 {
		in, err = decode[object](body)
	}
	if id = r.URL.Query().Get("token"); id == "" {
		id, _ = in["token"].(string)
	}
	return id, in, err
}

// readForm reads an upload by a form of Amazon S3, of which the file is the last part.
func readForm(r *http.Request) (id string, in object, err error) {
	form, err := r.MultipartReader()
	if err != nil {
		return "", nil, err
	}
	in = object{}
	for {
		part, err := form.NextPart()
		if err != nil {
			return id, in, fmt.Errorf("a form without a file: %w", err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return id, in, fmt.Errorf("reading an upload: %w", err)
		}
		if part.FormName() == "file" {
			in["file"] = text
			return id, in, nil
		}
		if part.FormName() == "key" {
			in["key"] = string(text)
			id, _, _ = strings.Cut(string(text), "/")
		}
	}
}

// answer does what a call asks for.
func (j *augerJob) answer(operation string, in object) (any, error) {
	switch operation {
	case "GET organizations":
		return []object{{"id": 1, "name": "soak"}}, nil
	case "GET projects":
		return []object{{"id": 1, "name": "soak"}}, nil
	case "GET projects/ID":
		return object{"status": "running"}, nil
	case "POST project_file_urls":
		return object{"id": 1}, nil
	case "GET cluster_tasks/ID":
		return object{"status": "success", "result": object{
			"url": "https://" + augerStore + "/", "bucket": "soak", "fields": object{"key": fmt.Sprintf("%s/%d.json", j.id, len(j.met))},
		}}, nil
	case "POST ":
		return nil, j.store(in)
	case "POST project_files":
		address, _ := in["url"].(string)
		if !j.stored[strings.TrimPrefix(address, "s3://soak/")] {
			return nil, fmt.Errorf("a file was made of %q, which was not stored", path.Base(address))
		}
		j.files++
		return object{"id": 1}, nil
	case "GET project_files/ID":
		return object{"status": "processed", "statistics": object{"stat_data": []object{{"column_name": "id"}, {"column_name": "check"}}}}, nil
	case "POST experiments":
		j.experiments++
		return object{"id": "e"}, nil
	case "POST experiment_sessions":
		j.sessions++
		return object{"id": "s"}, nil
	case "PATCH experiment_sessions/ID":
		j.started++
		return object{"status": "preprocess"}, nil
	}
	return nil, errUnknownCall
}

// store stores an object, which must have every row.
func (j *augerJob) store(in object) error {
	text, _ := in["file"].([]byte)
	rows, err := decode[[]struct{ ID, Check string }](text)
	if err != nil || len(rows) != j.rows.rows {
		return fmt.Errorf("a file with %d of %d rows was stored: %w", len(rows), j.rows.rows, err)
	}
	for n, r := range rows {
		if r.ID != j.rows.destination.row(n) || r.Check != checkOf(j.id, r.ID) {
			return fmt.Errorf("row %d was stored as %+v", n, r)
		}
	}
	key, _ := in["key"].(string)
	j.stored[key] = true
	return nil
}

// deliverJob makes a delivery that starts a job. What becomes of the job is judged by endJobs.
func (s *soakRun) deliverJob(ctx context.Context, i *process, c soakCase) {
	d := delivery{id: c.id, integration: c.rows.destination.name}
	c.rows.destination.fill(&d)
	c.document = c.rows.document(c.id)
	d.document = &c.document
	j := s.vendors.auger.expect(c, i)
	begin := time.Now()
	out, err := i.hub.execute(ctx, s.client, d)
	late := time.Since(begin) > deliveryTimeout-timeoutSlack
	s.vendors.auger.mu.Lock()
	j.succeeded = err == nil && out.Success
	stopped := i.killed.Load() || i.drained.Load() && len(j.met) == 0
	what, err := j.judge(out, err, stopped, late)
	s.vendors.auger.mu.Unlock()
	s.count("jobs: " + what)
	if err != nil {
		s.violated(c, err)
	}
}

// judge checks the invariants of a delivery that starts a job: a success has exactly one file with
// all rows, as many as it says; otherwise there is one at most, and if its creation was not
// answered, the message says that there may be one.
func (j *augerJob) judge(out outcome, err error, stopped, late bool) (string, error) {
	switch {
	case j.damage != nil:
		return "damaged", j.damage
	case j.files > 1:
		return "doubled", fmt.Errorf("%d files were created", j.files)
	case errors.Is(err, errUnanswered) && stopped:
		return "unanswered: the hub was stopped", nil
	case err != nil:
		return "no answer", fmt.Errorf("no proper answer: %w", err)
	case out.Success && j.files != 1:
		return "lost", errors.New("answered as success, but no file was created")
	case out.Success && !strings.HasPrefix(out.Message, fmt.Sprintf("%d rows were sent to Auger as ", j.rows.rows)):
		return "reported wrongly", fmt.Errorf("%d rows were sent, but the message is %q", j.rows.rows, out.Message)
	case out.Success:
		return "delivered, and a job is followed", nil
	case j.files > 0 && !strings.Contains(out.Message, "may already"):
		return "reported wrongly", fmt.Errorf("a file was created, and the message does not say that it may have been: %q", out.Message)
	case late:
		return "failed at the timeout, and reported so", nil
	case j.rows.fault == "":
		return "failed without a fault", fmt.Errorf("answered as failed although nothing was wrong: %s", out.Message)
	}
	return "failed, and reported so", nil
}

// jobEnded and jobDelivery read the hub's log of a job's end.
var (
	jobEnded    = regexp.MustCompile(`job ended.*outcome"?[=:]"?([a-z_]+)`)
	jobDelivery = regexp.MustCompile(`webhook_id"?[=:]"?(d\d+)`)
)

// jobEnds returns how the hubs' log says that jobs ended, by the deliveries' identifiers.
func (s *soakRun) jobEnds() (map[string]string, error) {
	log, err := os.Open(s.log())
	if err != nil {
		return nil, fmt.Errorf("reading the hubs' log: %w", err)
	}
	defer log.Close()
	ends := map[string]string{}
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadString('\n')
		end, id := jobEnded.FindStringSubmatch(line), jobDelivery.FindStringSubmatch(line)
		if end != nil && id != nil {
			ends[id[1]] = end[1]
		}
		if errors.Is(err, io.EOF) {
			return ends, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the hubs' log: %w", err)
		}
	}
}

// endJobs waits until a hub follows no job.
func (s *soakRun) endJobs(ctx context.Context, h *hubProcess) error {
	for begin := time.Now(); ; {
		n, err := h.metric(ctx, `integrationhub_jobs_in_flight{integration="auger"}`)
		if errors.Is(err, errNoMetric) { // none was followed yet
			return nil
		}
		if err != nil || n == 0 {
			return err
		}
		if time.Since(begin) > 2*time.Minute {
			return fmt.Errorf("%.0f jobs did not end", n)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// judgeJobs holds what the hubs' log says of each job against what Auger did. Every hub has ended its
// jobs, or was stopped.
func (s *soakRun) judgeJobs() error {
	ends, err := s.jobEnds()
	if err != nil {
		return err
	}
	a := s.vendors.auger
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, j := range a.jobs {
		what, err := j.judgeEnd(ends[id])
		s.count("jobs: " + what)
		if err != nil {
			s.violated(j.soakCase, err)
		}
	}
	return nil
}

// judgeEnd checks the invariants of a job: one is followed if and only if the delivery was a
// success; unless its hub was killed it has an end; one that is completed was started once, and
// none was started twice.
func (j *augerJob) judgeEnd(ended string) (string, error) {
	if ended == "" {
		return j.judgeEndless()
	}
	switch {
	case j.damage != nil:
		return "job damaged", j.damage
	case j.experiments > 1 || j.sessions > 1:
		return "job doubled", fmt.Errorf("%d experiments and %d sessions were created", j.experiments, j.sessions)
	case ended == "completed" && j.started == 0:
		return "job lost", errors.New("the job is completed, but nothing was started")
	case ended == "failed" && j.rows.fault == "":
		return "job failed without a fault", errors.New("the job failed although nothing was wrong")
	}
	return "job " + ended, nil
}

// judgeEndless judges a job of which no hub said how it ended.
func (j *augerJob) judgeEndless() (string, error) {
	killed := j.process.killed.Load()
	switch {
	case j.succeeded && killed:
		return "job of a killed hub", nil
	case j.succeeded:
		return "job forgotten", errors.New("the hub answered as success, but does not say how the job ended")
	case j.experiments > 0 && !killed:
		return "job without a delivery", errors.New("the delivery failed, but its job was carried out")
	}
	return "no job", nil
}
