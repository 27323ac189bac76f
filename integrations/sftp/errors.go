package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/sshauth"
)

var errLost = action.Errorf(action.Unavailable, "The connection to the SFTP server was lost before the file was complete.")

// explainSignIn converts the libraries' errors.
func explainSignIn(ctx context.Context, err error, attempt *sshauth.SignIn) error {
	if e, ok := errors.AsType[*action.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok {
		return sshauth.ExplainNegotiation(e)
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("signing in: %w", context.Cause(ctx))
	case strings.Contains(err.Error(), "unable to authenticate"): // the library has no error type for it
		return attempt.Refused()
	}
	return outbound.ConnectionError(ctx, fmt.Errorf("signing in: %w", err), "the SFTP server")
}

// errStranded marks an error after which only the temporary file exists.
var errStranded = errors.New("the file is left under its temporary name")

// renaming explains why a file was not renamed, or that it is not known.
func renaming(err error) error {
	if err == nil || refused(err) {
		return explain("renaming the file", err)
	}
	return action.Wrap(err, action.Unavailable, "The connection to the SFTP server was lost while the file was renamed. It may "+
		"already be there. Check before retrying.")
}

// refused reports whether the server answered with an error.
func refused(err error) bool {
	_, ok := errors.AsType[*sftp.StatusError](err)
	return ok || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)
}

// explain converts a server's error. SFTP's codes say little
// (draft-ietf-secsh-filexfer-02, section 7).
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	status, known := errors.AsType[*sftp.StatusError](err)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return action.Wrap(err, action.Forbidden, "The SFTP server does not allow the user to write the file there.")
	case errors.Is(err, syscall.ENOTDIR): // the library's own error
		return action.Wrap(err, action.Invalid, "The path of the file contains the name of an existing file instead of a folder.")
	case errors.Is(err, fs.ErrNotExist):
		return action.Wrap(err, action.NotFound, "The folder does not exist on the SFTP server.")
	case known && strings.Contains(strings.ToLower(status.Error()), "quota"):
		return action.Wrap(err, action.Invalid, "The user's quota on the SFTP server is exceeded.")
	case known:
		return action.Wrap(err, action.Invalid, "The SFTP server rejected the file. It may be out of disk space, or not allow the "+
			"name.")
	}
	return fmt.Errorf("%w (%w)", errLost, err)
}
