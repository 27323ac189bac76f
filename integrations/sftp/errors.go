package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
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

// Advice for servers on which a file cannot be written under a temporary name.
const chooseInPlace = ` Choose "In place" for Upload.`

// renaming explains why a file was not renamed, or that it is not known.
func renaming(err error) error {
	if err == nil {
		return nil
	}
	detail := fmt.Errorf("renaming the file: %w", err)
	switch {
	case forbidden(err):
		return action.Wrap(detail, action.Forbidden, "The SFTP server does not allow the user to rename files.%s", chooseInPlace)
	case errors.Is(err, fs.ErrNotExist):
		return action.Wrap(detail, action.NotFound, "The file was no longer on the SFTP server when it was to be renamed. The server may "+
			"move new files away.%s", chooseInPlace)
	case refused(err):
		return action.Wrap(detail, action.Invalid, "The SFTP server did not rename the file to its final name.%s", chooseInPlace)
	}
	return action.Wrap(err, action.Unavailable, "The connection to the SFTP server was lost while the file was renamed. It may "+
		"already be there. Check before retrying.")
}

// replacing explains why the existing file was not removed.
func replacing(err error) error {
	if !refused(err) {
		return renaming(err)
	}
	return action.Wrap(fmt.Errorf("removing the existing file: %w", err), action.Forbidden, "The SFTP server does not allow the user to "+
		"replace the existing file. Choose another name, or to append the time to it.%s", chooseInPlace)
}

// denial is what servers say that have no other code than "failure" for everything.
var denial = regexp.MustCompile(`(?i)permission|permitted|denied|allowed|prohibited|unsupported|not supported`)

// forbidden reports whether the server does not allow an operation at all.
func forbidden(err error) bool {
	if errors.Is(err, fs.ErrPermission) {
		return true
	}
	status, ok := errors.AsType[*sftp.StatusError](err)
	switch {
	case !ok:
		return false
	case status.FxCode() == sftp.ErrSSHFxFailure:
		return denial.MatchString(status.Error())
	}
	return status.FxCode() == sftp.ErrSSHFxOpUnsupported
}

// refused reports whether the server answered with an error.
func refused(err error) bool {
	_, ok := errors.AsType[*sftp.StatusError](err)
	return ok || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)
}

// What is done when a server forbids more than writing.
const (
	creatingFolders = "creating folders"
	checkingFile    = "checking the file"
)

// explain converts a server's error. SFTP's codes say little
// (draft-ietf-secsh-filexfer-02, section 7).
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	status, known := errors.AsType[*sftp.StatusError](err)
	switch {
	case forbidden(err) && doing == creatingFolders:
		return action.Wrap(err, action.Forbidden, "The SFTP server does not allow the user to create the folders in the file name.")
	case forbidden(err) && doing == checkingFile:
		return action.Wrap(err, action.Forbidden, "The SFTP server does not allow the user to check for an existing file. Choose to replace "+
			"it, or to append the time to the name.")
	case forbidden(err):
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
