package custom

import (
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/custom"
	"integrationhub.dev/hub/custom/manifest"
)

// check is what the hub would say about a version of an integration.
type check struct {
	// digest is that of the file.
	digest string
	// problems are empty if a hub would run the file.
	problems []string
}

// checks remembers the last check of each integration: its status changes more often than its spec. It is
// lost at a restart.
type checks struct {
	mu   sync.Mutex
	last map[types.NamespacedName]check
}

// of checks the file of an integration as hubs do when they load it, so that both never disagree.
func (c *checks) of(key types.NamespacedName, i *v1alpha1.HTTPIntegration) (check, error) {
	text, err := resources.CustomFile(i)
	if err != nil {
		return check{}, err
	}
	digest := resources.CustomDigest(text)
	c.mu.Lock()
	last, ok := c.last[key]
	c.mu.Unlock()
	if ok && last.digest == digest {
		return last, nil
	}
	next := check{digest: digest, problems: problemsOf(resources.CustomFileName(i.Name), text)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[types.NamespacedName]check{}
	}
	c.last[key] = next
	return next, nil
}

// forget drops a deleted integration.
func (c *checks) forget(key types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.last, key)
}

// problemsOf returns why hubs would not run a file. It names fields; lines mean nothing to the reader of a
// resource.
func problemsOf(name, text string) []string {
	m, err := manifest.Parse(name, []byte(text))
	if err == nil {
		_, err = custom.Compile(m, custom.Options{Names: v1alpha1.IntegrationNames})
	}
	if err == nil {
		return nil
	}
	problems, ok := errors.AsType[manifest.Problems](err)
	if !ok {
		return []string{err.Error()}
	}
	texts := make([]string, 0, len(problems))
	for _, p := range problems {
		if p.Field == "" {
			texts = append(texts, p.Message)
			continue
		}
		texts = append(texts, p.Field+": "+p.Message)
	}
	return texts
}
