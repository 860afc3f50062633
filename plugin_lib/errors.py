# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The errors that reach a person, and the exit status of each.

An error says what failed, where (file -> path inside it), why, and what to do
next.  Nothing below the command line prints; it raises one of these.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib._compat import printable, to_text

EXIT_OK = 0
EXIT_CHECK_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_NOT_APPLIED = 3


class InfinibandError(Exception):
    """Base of every error that the user is told about.

    :param what: what could not be done, as a short clause
    :param where: where the cause is: ``/etc/astute.yaml -> network_scheme -> roles``
    :param why: the reason, in the words of the kernel or of the rule that was broken; several are a line each
    :param todo: what the operator does next
    """

    exit_status = EXIT_NOT_APPLIED

    def __init__(self, what, where='', why='', todo=''):
        # type: (str, str, str, str) -> None
        super(InfinibandError, self).__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.todo = todo

    def lines(self):
        # type: () -> list
        """The message as lines for a terminal, without the parts that are empty."""
        parts = (('where', self.where), ('why', self.why), ('next', self.todo))
        return ['error: {0}'.format(self.what)] + [
            '  {0:<6} {1}'.format(label + ':' if first else '', line)
            for label, text in parts if text
            for first, line in _marked([printable(line) for line in to_text(text).split('\n')])]

    def one_line(self):
        # type: () -> str
        """The message on one line, for a log."""
        return '; '.join(to_text(text).replace('\n', '; ')
                         for text in (self.what, self.where, self.why, self.todo) if text)

    def __str__(self):
        return str(self.one_line())


class InputError(InfinibandError):
    """Bad usage or bad input: nothing was changed, and trying again cannot help."""

    exit_status = EXIT_BAD_INPUT


class InputErrors(InputError):
    """Several things that are wrong, told at once.

    :param errors: InputErrors, at least one
    """

    def __init__(self, errors):
        # type: (list) -> None
        first = errors[0]
        super(InputErrors, self).__init__(first.what, first.where, first.why, first.todo)
        self.errors = tuple(errors)

    def lines(self):
        # type: () -> list
        return [line for error in self.errors for line in error.lines()]

    def one_line(self):
        # type: () -> str
        return '. '.join(error.one_line() for error in self.errors)


class PartlyBad(InputError):
    """Bad input of which a part makes sense: who looks for all that is wrong goes on with that.

    :param rest: that part, of the type that is returned where nothing is wrong
    """

    def __init__(self, what, where, why, todo, rest):
        # type: (str, str, str, str, object) -> None
        super(PartlyBad, self).__init__(what, where, why, todo)
        self.rest = rest


class ApplyError(InfinibandError):
    """The machine refused a change.

    :param errno: the kernel's error number, or None when there is none
    """

    exit_status = EXIT_NOT_APPLIED

    def __init__(self, what, where='', why='', todo='', errno=None):
        # type: (str, str, str, str, int) -> None
        super(ApplyError, self).__init__(what, where, why, todo)
        self.errno = errno


def _marked(lines):
    """(whether it is the first, line) for each."""
    return [(number == 0, line) for number, line in enumerate(lines)]
