package slack

import (
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"integrationhub.dev/hub/action"
)

// Slack's limits, in characters. It truncates a longer message silently
// (https://docs.slack.dev/reference/methods/chat.postMessage), and rejects a longer section
// (https://docs.slack.dev/reference/block-kit/blocks/section-block). The sections of a message together can have about 13,000,
// the sections themselves included: https://github.com/slackapi/bolt-js/issues/2509
const (
	maxComment  = 40_000
	maxSection  = 3000
	maxSections = 10_000
)

// fitsFile reports whether a comment can be in the file's message.
func fitsFile(comment string) bool { return utf8.RuneCountInString(comment) <= maxSections }

// commentOf returns the comment in a form. One of white space only counts as empty.
func commentOf(form map[string]string) (string, error) {
	comment := form["initial_comment"]
	if utf8.RuneCountInString(comment) > maxComment {
		return "", action.InvalidField("initial_comment", "The comment is too long. Slack allows %d characters.", maxComment)
	}
	if strings.TrimSpace(comment) == "" {
		return "", nil
	}
	return comment, nil
}

// sections returns a comment as blocks of the file's message. Markup works in blocks, but not in the
// request's comment argument.
func sections(comment string) slack.Blocks {
	var blocks slack.Blocks
	for comment != "" {
		var part string
		part, comment = cut(comment)
		if strings.TrimSpace(part) == "" {
			continue
		}
		text := slack.NewTextBlockObject(slack.MarkdownType, part, false, false)
		blocks.BlockSet = append(blocks.BlockSet, slack.NewSectionBlock(text, nil, nil, slack.SectionBlockOptionExpand(true)))
	}
	return blocks
}

// cut splits a text after what fits into a section: at the end of a line or a word, unless that would leave
// half of the section empty.
func cut(text string) (front, rest string) {
	end := 0
	for range maxSection {
		_, size := utf8.DecodeRuneInString(text[end:])
		end += size
	}
	if end == len(text) {
		return text, ""
	}
	for _, separator := range []string{"\n", " "} {
		if at := strings.LastIndex(text[:end], separator); at >= end/2 {
			return text[:at], text[at+1:]
		}
	}
	return text[:end], text[end:]
}
