package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/env"
)

// podFields are the fields of a pod's spec for scheduling and DNS. All others decide what runs, with
// which identity, and what it can read.
var podFields = []string{
	"affinity", "dnsConfig", "dnsPolicy", "hostAliases", "imagePullSecrets", "nodeSelector", "runtimeClassName", "schedulerName",
	"terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints",
}

const anyPodTemplate = "anyPodTemplate"

// podTemplate checks the patch, not the merged result. Directives of a strategic merge patch, such as
// $patch, are refused because they are not allowed fields.
func (c *check) podTemplate() {
	patch := c.hub.Spec.PodTemplate
	if patch == nil || len(patch.Raw) == 0 {
		return
	}
	var template map[string]json.RawMessage
	if json.Unmarshal(patch.Raw, &template) != nil {
		c.refuse("spec.podTemplate", "is not an object", "")
		return
	}
	c.fields("spec.podTemplate", template, map[string]func(string, json.RawMessage){
		"metadata": c.podMetadata, "spec": c.podSpec,
	})
}

// fields checks the members of an object, each by its own check; a nil check allows any value.
func (c *check) fields(at string, object map[string]json.RawMessage, checks map[string]func(at string, value json.RawMessage)) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		field := at + "." + name
		inner, ok := checks[name]
		switch {
		case !ok:
			c.refuse(field, "is not an allowed field of a pod template", anyPodTemplate)
		case inner != nil && string(object[name]) != "null":
			inner(field, object[name])
		}
	}
}

// decode reads a value of a field's type. Other values decode to the zero value: the merge refuses
// them with a better message.
func decode[T any](value json.RawMessage) T {
	var v T
	if json.Unmarshal(value, &v) != nil {
		var zero T
		return zero
	}
	return v
}

func (c *check) podMetadata(at string, value json.RawMessage) {
	c.fields(at, decode[map[string]json.RawMessage](value), map[string]func(string, json.RawMessage){
		"labels": nil,
		"annotations": func(at string, value json.RawMessage) {
			annotations := map[string]string{}
			for key, text := range decode[map[string]json.RawMessage](value) {
				annotations[key] = decode[string](text) // null removes an annotation
			}
			c.annotationsAt(at, annotations)
		},
	})
}

func (c *check) podSpec(at string, value json.RawMessage) {
	checks := map[string]func(string, json.RawMessage){
		"containers":        c.containers,
		"priorityClassName": func(at string, value json.RawMessage) { c.priorityClass(at, decode[string](value)) },
	}
	for _, name := range podFields {
		checks[name] = nil
	}
	spec := decode[map[string]json.RawMessage](value)
	if string(spec["securityContext"]) != "null" { // fields would accept null, which removes the context
		checks["securityContext"] = c.podSecurityContext
	}
	c.fields(at, spec, checks)
}

func (c *check) containers(at string, value json.RawMessage) {
	for n, container := range decode[[]map[string]json.RawMessage](value) {
		field := fmt.Sprintf("%s[%d]", at, n)
		if name := decode[string](container["name"]); name != resources.ContainerName {
			c.refuse(field, fmt.Sprintf("adds the container %q", name), anyPodTemplate)
			continue
		}
		c.fields(field, container, map[string]func(string, json.RawMessage){"name": nil, "resources": nil, "env": c.env})
	}
}

// env allows plain values of variables that are not reserved. They contain nothing that the author of
// the spec does not know.
func (c *check) env(at string, value json.RawMessage) {
	for n, variable := range decode[[]map[string]json.RawMessage](value) {
		field := fmt.Sprintf("%s[%d]", at, n)
		c.fields(field, variable, map[string]func(string, json.RawMessage){
			"name": func(at string, value json.RawMessage) {
				if name := decode[string](value); env.Reserved(name) {
					c.refuse(at, fmt.Sprintf("is %s, which is reserved for the hub", name), anyPodTemplate)
				}
			},
			"value": nil,
		})
	}
}
