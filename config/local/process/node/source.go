package node

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// source reads what pods are made from: from memory, and where that is not up to date yet
// from the API server.
type source struct {
	client     kubernetes.Interface
	secrets    corelisters.SecretLister
	configMaps corelisters.ConfigMapLister
	capacity   corev1.ResourceList

	mu     sync.Mutex
	tokens map[string]token
}

type token struct {
	text    string
	renewAt time.Time
}

func (s *source) Node() corev1.ResourceList { return s.capacity }

func (s *source) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret, err := s.secrets.Secrets(namespace).Get(name)
	if apierrors.IsNotFound(err) { // it may have been made a moment ago
		return s.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	}
	return secret, err
}

func (s *source) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	config, err := s.configMaps.ConfigMaps(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return s.client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	}
	return config, err
}

// Token keeps a token until four fifths of its life are over, as the kubelet does.
func (s *source) Token(ctx context.Context, pod *corev1.Pod, spec authenticationv1.TokenRequestSpec) (string, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return "", fmt.Errorf("requesting a token: %w", err)
	}
	key := string(pod.UID) + string(text)
	s.mu.Lock()
	known, ok := s.tokens[key]
	s.mu.Unlock()
	if ok && time.Now().Before(known.renewAt) {
		return known.text, nil
	}
	request := time.Now()
	got, err := s.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName,
		&authenticationv1.TokenRequest{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	life := got.Status.ExpirationTimestamp.Sub(request)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[key] = token{text: got.Status.Token, renewAt: request.Add(life / 5 * 4)}
	return got.Status.Token, nil
}
