package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/env"
)

// podFields are the fields of a pod's spec that place it, or say how it looks names up. All
// others decide what runs, as whom, or what it can read.
var podFields = []string{
	"affinity", "dnsConfig", "dnsPolicy", "hostAliases", "imagePullSecrets", "nodeSelector", "runtimeClassName", "schedulerName",
	"terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints",
}

const anyPodTemplate = "anyPodTemplate"

// podTemplate checks the patch itself and not what it is merged into: directives of a strategic
// merge patch, such as $patch, are refused because they are not among the allowed fields.
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
			c.refuse(field, "is not among the fields that a pod template may set", anyPodTemplate)
		case inner != nil && string(object[name]) != "null":
			inner(field, object[name])
		}
	}
}

// decode reads a value of the type that a field has; other values the merge refuses with a
// better message, so they are let through as nothing.
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
	c.fields(at, decode[map[string]json.RawMessage](value), checks)
}

func (c *check) containers(at string, value json.RawMessage) {
	for n, container := range decode[[]map[string]json.RawMessage](value) {
		field := fmt.Sprintf("%s[%d]", at, n)
		if name := decode[string](container["name"]); name != resources.ContainerName {
			c.refuse(field, fmt.Sprintf("is a container %q beside the hub", name), anyPodTemplate)
			continue
		}
		c.fields(field, container, map[string]func(string, json.RawMessage){"name": nil, "resources": nil, "env": c.env})
	}
}

// env allows plain values of variables that are not the hub's own: they hold nothing that the
// author of the spec did not know.
func (c *check) env(at string, value json.RawMessage) {
	for n, variable := range decode[[]map[string]json.RawMessage](value) {
		field := fmt.Sprintf("%s[%d]", at, n)
		c.fields(field, variable, map[string]func(string, json.RawMessage){
			"name": func(at string, value json.RawMessage) {
				if name := decode[string](value); env.Reserved(name) {
					c.refuse(at, fmt.Sprintf("is %s, which belongs to the hub itself", name), anyPodTemplate)
				}
			},
			"value": nil,
		})
	}
}
