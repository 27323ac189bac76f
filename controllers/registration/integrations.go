package registration

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/lookerclient"
	"integrationhub.dev/hub/looker/api"
)

// syncIntegrations gives the listed integrations the listed settings in Looker, and has Looker test those
// that changed. A problem of one integration does not keep it from the others.
func (r *Reconciler) syncIntegrations(ctx context.Context, s *scope) error {
	have, err := r.listIntegrations(ctx, s)
	if err != nil {
		return err
	}
	secrets := map[string]*corev1.Secret{}
	for n, listed := range s.registration.Spec.Integrations {
		i := slices.IndexFunc(have, func(h api.Integration) bool { return integrationName(h) == listed.Name })
		status := v1alpha1.RegisteredIntegrationStatus{Name: listed.Name}
		if i < 0 {
			status.Message = "The hub has no integration of this name. Correct the name, or enable the integration in the IntegrationHub."
		} else if err := r.syncIntegration(ctx, s, listed, &have[i], &status, secrets); err != nil {
			s.keepProgress(n, status)
			return err
		}
		s.integrations = append(s.integrations, status)
	}
	if err := r.prune(ctx, s, have); err != nil {
		return err
	}
	s.enabled = new(int32(0))
	for _, h := range have {
		if valueOf(h.Enabled) {
			*s.enabled++
		}
	}
	return s.syncProblem()
}

// listIntegrations lists the hub's integrations in Looker. If one is missing that the hub offers, Looker's
// list is outdated.
func (r *Reconciler) listIntegrations(ctx context.Context, s *scope) ([]api.Integration, error) {
	for refreshed := false; ; {
		have, err := s.looker.Integrations(ctx, s.record.hubID)
		if err != nil {
			return nil, err
		}
		have = slices.DeleteFunc(have, func(i api.Integration) bool {
			return i.IntegrationHubID != nil && *i.IntegrationHubID != s.record.hubID
		})
		if refreshed || !s.isOutdated(have) {
			return have, nil
		}
		if refreshed, err = r.refresh(ctx, s); err != nil || !refreshed {
			return have, err
		}
	}
}

// isOutdated reports whether a list lacks a listed integration that the hub offers.
func (s *scope) isOutdated(have []api.Integration) bool {
	return s.hub != nil && slices.ContainsFunc(s.registration.Spec.Integrations, func(listed v1alpha1.RegisteredIntegration) bool {
		return !slices.ContainsFunc(have, func(h api.Integration) bool { return integrationName(h) == listed.Name }) &&
			slices.ContainsFunc(s.hub.Status.Integrations, func(i v1alpha1.IntegrationStatus) bool { return i.Name == listed.Name && i.Offered })
	})
}

// keepProgress completes the status of the integrations when the step ends early, at the n-th of them. What was
// written to Looker is not written again.
func (s *scope) keepProgress(n int, status v1alpha1.RegisteredIntegrationStatus) {
	for i, listed := range s.registration.Spec.Integrations[n:] {
		previous := previousStatus(s.registration, listed.Name)
		switch {
		case i == 0 && status.Synced:
			s.integrations = append(s.integrations, status)
		case previous.Name != "":
			s.integrations = append(s.integrations, previous)
		}
	}
}

// syncIntegration brings one integration up to date. It replaces have with Looker's answer to a change.
// What only concerns this integration is in its status; an error ends the whole step.
func (r *Reconciler) syncIntegration(
	ctx context.Context, s *scope, listed v1alpha1.RegisteredIntegration, have *api.Integration,
	status *v1alpha1.RegisteredIntegrationStatus, secrets map[string]*corev1.Secret,
) error {
	previous := previousStatus(s.registration, listed.Name)
	status.SettingsDigest, status.CorrectedFields, status.Test = previous.SettingsDigest, previous.CorrectedFields, previous.Test
	status.Enabled = valueOf(have.Enabled)
	want, missing, err := r.wanted(ctx, s, listed, secrets)
	if err != nil {
		return err
	}
	if missing != "" {
		status.Message = missing
		return nil
	}
	p := newPlan(want, *have, previous.SettingsDigest, s.registration.Spec.Prune)
	if p.problem != "" {
		status.Message = p.problem
		return nil
	}
	drifted := p.change != nil && want.digest == previous.SettingsDigest
	if drifted && r.corrections.contended(s.registration, listed.Name) {
		s.paused = append(s.paused, listed.Name)
		status.Message = "Another controller keeps reverting " + strings.Join(p.fields, ", ") + " in Looker. Check for a second operator. " +
			"The operator pauses changes to the integration for an hour."
		return nil
	}
	if p.change != nil {
		changed, err := s.looker.UpdateIntegration(ctx, valueOf(have.ID), *p.change)
		if isOfIntegration(err) {
			status.Message = problemOf(err).message
			return nil
		}
		if err != nil {
			return err
		}
		*have = changed
		if rest := newPlan(want, changed, want.digest, s.registration.Spec.Prune); rest.change != nil {
			status.Message = "Looker accepted the change, but did not save " + strings.Join(rest.fields, ", ") + "."
			status.Enabled = valueOf(changed.Enabled)
			return nil
		}
		r.reportDrift(s, listed.Name, drifted, p.fields, status)
	}
	status.SettingsDigest, status.Synced, status.Enabled = want.digest, true, p.enabled
	return r.test(ctx, s, listed, valueOf(have.ID), p.change != nil || want.digest != previous.SettingsDigest, status)
}

// isOfIntegration reports whether Looker refuses a change for what it contains, so that other changes may
// succeed.
func isOfIntegration(err error) bool {
	switch lookerclient.KindOf(err) {
	case lookerclient.Invalid, lookerclient.NotFound, lookerclient.Conflict, lookerclient.Permission:
		return true
	default:
		return false
	}
}

// reportDrift reports settings that were changed in Looker. A change of the spec ends the report.
func (r *Reconciler) reportDrift(s *scope, name string, drifted bool, fields []string, status *v1alpha1.RegisteredIntegrationStatus) {
	status.CorrectedFields = nil
	if !drifted {
		return
	}
	status.CorrectedFields = slices.Sorted(slices.Values(fields))
	r.corrections.add(s.registration, name)
	r.Recorder.Eventf(s.registration, nil, corev1.EventTypeWarning, v1alpha1.DriftCorrected, "Sync",
		"%s of integration %s was changed in Looker, and the operator restored the value from the spec.", strings.Join(status.CorrectedFields, ", "), name)
}

// test has Looker test an enabled integration after a change, and again while the last test failed.
func (r *Reconciler) test(
	ctx context.Context, s *scope, listed v1alpha1.RegisteredIntegration, id string, changed bool, status *v1alpha1.RegisteredIntegrationStatus,
) error {
	if listed.Test == v1alpha1.TestNever || !status.Enabled {
		status.Test = nil
		return nil
	}
	if !changed && status.Test != nil && status.Test.Success {
		return nil
	}
	status.Test = nil // the test is still due if Looker does not answer
	result, err := s.looker.TestIntegration(ctx, id)
	switch {
	case isOfIntegration(err):
		e := problemOf(err)
		status.Test = &v1alpha1.IntegrationTestStatus{Message: e.message}
	case err != nil:
		return err
	default:
		status.Test = &v1alpha1.IntegrationTestStatus{Success: valueOf(result.Success), Message: lookerclient.Clean(valueOf(result.Message))}
	}
	return nil
}

// prune disables the integrations that are not listed.
func (r *Reconciler) prune(ctx context.Context, s *scope, have []api.Integration) error {
	if !s.registration.Spec.Prune {
		return nil
	}
	for i := range have {
		name := integrationName(have[i])
		listed := slices.ContainsFunc(s.registration.Spec.Integrations, func(l v1alpha1.RegisteredIntegration) bool { return l.Name == name })
		if listed || !valueOf(have[i].Enabled) {
			continue
		}
		if r.corrections.contended(s.registration, name) {
			s.paused = append(s.paused, name)
			continue
		}
		changed, err := s.looker.UpdateIntegration(ctx, valueOf(have[i].ID), api.Integration{Enabled: new(false)})
		if err != nil {
			return err
		}
		have[i] = changed
		r.corrections.add(s.registration, name)
		r.Recorder.Eventf(s.registration, nil, corev1.EventTypeNormal, v1alpha1.DriftCorrected, "Sync",
			"Integration %s is not in the spec and was disabled in Looker (spec.prune).", lookerclient.Clean(name))
	}
	return nil
}

// wanted resolves the values of an integration's parameters. missing says which Secret lacks a value.
func (r *Reconciler) wanted(
	ctx context.Context, s *scope, listed v1alpha1.RegisteredIntegration, secrets map[string]*corev1.Secret,
) (want wantedIntegration, missing string, err error) {
	want = wantedIntegration{RegisteredIntegration: listed, values: map[string]string{}}
	for _, p := range listed.Params {
		switch {
		case p.Value != nil:
			want.values[p.Name] = *p.Value
		case p.ValueFrom != nil:
			ref := p.ValueFrom.SecretKeyRef
			if _, read := secrets[ref.Name]; !read {
				if secrets[ref.Name], err = controllers.ReadSecret(ctx, r.APIReader, s.registration.Namespace, ref.Name); err != nil {
					return want, "", err
				}
			}
			secret := secrets[ref.Name]
			if secret == nil || len(secret.Data[ref.Key]) == 0 {
				return want, fmt.Sprintf("Secret %q of the parameter %s does not exist, or its key %q is empty. Create it.", ref.Name, p.Name, ref.Key), nil
			}
			want.values[p.Name] = string(secret.Data[ref.Key])
		}
	}
	want.digest, err = settingsDigest(s.apiSecret, s.registration.UID, listed, want.values)
	return want, "", err
}

func previousStatus(registration *v1alpha1.LookerRegistration, name string) v1alpha1.RegisteredIntegrationStatus {
	for _, i := range registration.Status.Integrations {
		if i.Name == name {
			return i
		}
	}
	return v1alpha1.RegisteredIntegrationStatus{}
}

// syncProblem is the problem of the integrations that matters most.
func (s *scope) syncProblem() error {
	var differ, failedTests []string
	for _, i := range s.integrations {
		switch {
		case !i.Synced:
			differ = append(differ, i.Name+": "+i.Message)
		case i.Test != nil && !i.Test.Success:
			failedTests = append(failedTests, fmt.Sprintf("%s: %q", i.Name, i.Test.Message))
		}
	}
	again := interval(s.registration)
	switch {
	case len(s.paused) > 0:
		return stall(v1alpha1.FieldsContended, again, "Another controller, such as a second operator, keeps reverting settings in Looker: %s. "+
			"Let only one of them manage the hub. The operator pauses its changes for an hour.", strings.Join(s.paused, ", "))
	case len(differ) > 0:
		return stall(v1alpha1.IntegrationsDiffer, again, "%s", strings.Join(differ, " "))
	case len(failedTests) > 0:
		return stall(v1alpha1.TestFailed, again, "Looker's test of an integration failed: %s. Correct its settings. The operator repeats failed tests.",
			strings.Join(failedTests, "; "))
	}
	return nil
}
