package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// signature is the file with the signature of the checksums, and so of all files.
const signature = checksumsFile + ".sigstore.json"

// signer returns how cosign gets an identity: a key, or a token of the machine that runs the build. The
// reason is why there is none.
func signer() (args []string, reason string) {
	if _, err := exec.LookPath("cosign"); err != nil {
		return nil, "cosign is not installed"
	}
	if key := os.Getenv("COSIGN_KEY"); key != "" {
		return []string{"--key", key}, ""
	}
	if os.Getenv("SIGSTORE_ID_TOKEN") != "" || os.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN") != "" {
		return nil, ""
	}
	return nil, "there is no identity: set COSIGN_KEY or SIGSTORE_ID_TOKEN"
}

// signFiles signs the checksums of a release if there is an identity.
func signFiles(ctx context.Context, dir string) error {
	identity, reason := signer()
	if reason != "" {
		say("skipped: signing the files: %s", reason)
		return nil
	}
	args := append([]string{"sign-blob", "--yes", "--bundle", filepath.Join(dir, signature)}, identity...)
	_, err := output(ctx, "", nil, "cosign", append(args, filepath.Join(dir, checksumsFile))...)
	return err
}

// signImage signs a published image or chart, named by digest, if there is an identity.
func signImage(ctx context.Context, reference string) error {
	identity, reason := signer()
	if reason != "" {
		say("skipped: signing %s: %s", reference, reason)
		return nil
	}
	args := append([]string{"sign", "--yes", "--recursive"}, identity...)
	_, err := output(ctx, "", nil, "cosign", append(args, reference)...)
	return err
}
