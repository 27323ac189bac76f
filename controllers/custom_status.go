package controllers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/hubclient"
	"integrationhub.dev/controllers/resources"
)

const (
	// maxCustomEntries bounds the list in the status.
	maxCustomEntries = 250
	// maxNamedIntegrations is how many integrations a message names.
	maxNamedIntegrations = 5
)

// customStatus returns the state of the no-code integrations; nil if the hub offers none. What was not
// observed keeps its value.
func (s *scope) customStatus() *v1alpha1.CustomIntegrationsStatus {
	if !resources.OffersCustom(s.hub) {
		return nil
	}
	before := s.hub.Status.CustomIntegrations
	if s.custom == nil {
		return before
	}
	running := map[string]string{}
	if before != nil {
		for _, e := range before.Integrations {
			running[e.Name] = e.RunningVersion
		}
	}
	byFile := reportedByFile(s.reports)
	status := &v1alpha1.CustomIntegrationsStatus{}
	for _, e := range s.custom.entries {
		state := v1alpha1.CustomIntegrationStatus{Name: e.name, RunningVersion: running[e.name], Reason: e.refused}
		digest := ""
		if e.version != nil {
			digest = e.version.digest
			state.Integration, state.Version = e.version.lookerName, resources.CustomVersion(digest)
		}
		if s.reports != nil {
			reported, problem := runningVersion(byFile[resources.CustomFileName(e.name)], digest)
			state.RunningVersion, state.Reason = resources.CustomVersion(reported), cmp.Or(state.Reason, sanitize(problem))
		}
		status.Selected++
		if state.RunningVersion != "" {
			status.Offered++
		}
		if state.Reason != "" {
			status.Refused++
		}
		status.Integrations = append(status.Integrations, state)
	}
	// What pods have comes first, if the list is too long.
	slices.SortStableFunc(status.Integrations, func(a, b v1alpha1.CustomIntegrationStatus) int {
		return cmp.Compare(min(len(b.Version), 1), min(len(a.Version), 1))
	})
	status.Integrations = status.Integrations[:min(len(status.Integrations), maxCustomEntries)]
	return status
}

// reportedByFile returns what each pod reports of each file; a pod that has not got a file reports nothing of it.
func reportedByFile(reports []hubclient.Report) map[string][]hubclient.Custom {
	byFile := map[string][]hubclient.Custom{}
	for pod, report := range reports {
		for _, c := range report.Custom {
			if byFile[c.File] == nil {
				byFile[c.File] = make([]hubclient.Custom, len(reports))
			}
			byFile[c.File][pod] = c
		}
	}
	return byFile
}

// runningVersion returns the digest of the version that all pods run, or "", and what one of them says is wrong
// with the version that they were given.
func runningVersion(reported []hubclient.Custom, given string) (digest, problem string) {
	for pod, c := range reported {
		if pod == 0 {
			digest = c.Digest
		} else if digest != c.Digest {
			digest = ""
		}
		if problem == "" && c.Problem != "" && (c.FailedDigest == given || c.FailedDigest == "" && c.Digest == given) {
			problem = c.Problem
		}
	}
	return digest, problem
}

// customOutcome is the state of the no-code integrations. Looker does not need them, unless the pods
// wait for them.
func (s *scope) customOutcome() outcome {
	o := outcome{condition: v1alpha1.CustomIntegrationsReady, weight: optional, err: s.results[v1alpha1.CustomIntegrationsReady]}
	if !resources.OffersCustom(s.hub) || o.err != nil {
		if resources.OffersCustom(s.hub) && s.custom == nil {
			o.weight = 0
		}
		return o
	}
	status := s.customStatus()
	var refused []string
	pending := 0
	for _, e := range status.Integrations {
		switch {
		case e.Reason != "":
			refused = append(refused, e.Name+" ("+strings.TrimSuffix(e.Reason, ".")+")")
		case e.RunningVersion != e.Version || e.Version == "":
			pending++
		}
	}
	var poll time.Duration
	if pending > 0 {
		poll = podPollInterval
	}
	switch {
	case len(refused) > 0:
		o.err = &stalledError{
			reason:       v1alpha1.IntegrationsRefused,
			message:      "The latest version of these HTTPIntegrations is not available: " + listed(refused) + ".",
			requeueAfter: cmp.Or(poll, pollInterval),
			forFiles:     s.readsFiles(pending),
		}
	case pending > 0 && s.reports == nil:
		o.err = &waitingError{reason: v1alpha1.Pending, message: "Not all pods have reported their integrations yet.", requeueAfter: poll}
	case pending > 0:
		o.err = &waitingError{
			reason:       v1alpha1.Progressing,
			message:      fmt.Sprintf("All pods run the latest version of %d of %d HTTPIntegrations.", len(status.Integrations)-pending, status.Selected),
			requeueAfter: poll,
			forFiles:     s.readsFiles(pending),
		}
	default:
		o.message = fmt.Sprintf("%d HTTPIntegrations are available.", status.Offered)
	}
	return o
}

// readsFiles reports whether pods that can be asked have yet to read the newest versions.
func (s *scope) readsFiles(pending int) bool { return pending > 0 && s.reports != nil }

// listed names some integrations, and counts the others.
func listed(names []string) string {
	if more := len(names) - maxNamedIntegrations; more > 0 {
		return fmt.Sprintf("%s, and %d more", strings.Join(names[:maxNamedIntegrations], ", "), more)
	}
	return strings.Join(names, ", ")
}
