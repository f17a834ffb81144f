/* The prompt on a terminal: libedit with a history file. Ctrl-C makes no signal here but is a key: at the prompt it
 * drops the line, twice in a row it ends the chat, and while a reply comes it cancels the turn. */
#include "stdin.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

#define CTRL_C 0x03
#define AHEAD_MAX 4096 /* bytes typed while a reply comes */
#define HISTORY_MAX 1000

struct terminal {
    struct console *console;
    EditLine *edit;
    History *history;
    char *history_file; /* NULL: none */
    locale_t locale, locale_before;
    struct termios before, ours; /* as found; the same with Ctrl-C as a key */
    mbstate_t decoding;
    struct rp_buf ahead;
    bool interrupted, warned;
    bool welcomed;
};

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* 1, 0 at the end, -1 when reading failed. */
static int read_byte(struct terminal *terminal, char *out_byte) {
    if (terminal->ahead.len) {
        *out_byte = terminal->ahead.data[0];
        rp_buf_consume(&terminal->ahead, 1);
        return 1;
    }
    for (;;) {
        if (!console_may_read(terminal->console)) return 0;
        if (console_wait(terminal->console, STDIN_FILENO, POLLIN) != WAIT_READY) continue;
        ssize_t got = read(STDIN_FILENO, out_byte, 1);
        if (got >= 0) return (int)got;
        if (errno != EAGAIN && errno != EINTR) return -1;
    }
}

static int on_key(EditLine *edit, wchar_t *out_key) {
    struct terminal *terminal = NULL;
    el_get(edit, EL_CLIENTDATA, &terminal);
    for (;;) {
        char byte;
        int got = read_byte(terminal, &byte);
        if (got <= 0) return got;
        if (byte == CTRL_C) { /* to the editor it is the end of the input: the line is dropped */
            terminal->interrupted = true;
            return 0;
        }
        size_t result = mbrtowc(out_key, &byte, 1, &terminal->decoding);
        if (result == 0 || result == 1) return 1;
        if (result == (size_t)-1) memset(&terminal->decoding, 0, sizeof terminal->decoding); /* no character: drop it */
    }
}

void terminal_watch(struct terminal *terminal) {
    struct termios quiet = terminal->ours;
    quiet.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
}

void terminal_keys(struct terminal *terminal) {
    char bytes[256];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) { /* hung up: the reply has no reader */
        console_stop_reading(terminal->console);
        console_post(terminal->console, EVENT_INTERRUPT, (struct rp_str){0});
        return;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (bytes[i] != CTRL_C) {
            rp_buf_append(&terminal->ahead, bytes + i, 1); /* what is too much is lost, as on any terminal */
            continue;
        }
        rp_buf_clear(&terminal->ahead);
        console_post(terminal->console, EVENT_INTERRUPT, (struct rp_str){0});
    }
}

/* ---- the prompt -------------------------------------------------------------------------------------------------- */

static char *prompt(EditLine *edit) {
    (void)edit;
    static char text[] = "you> ";
    return text;
}

static void say(struct terminal *terminal, const char *text) {
    console_write(terminal->console, STDOUT_FILENO, rp_str(text));
}

/* Whether the second Ctrl-C in a row was it. */
static bool interrupted_twice(struct terminal *terminal) {
    terminal->interrupted = false;
    if (terminal->warned) return true;
    terminal->warned = true;
    say(terminal, "^C (once more, or Ctrl-D, to leave)\n");
    return false;
}

static struct rp_str without_end(const char *line) {
    struct rp_str text = rp_str(line);
    while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r')) text.len--;
    return text;
}

static bool blank(struct rp_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != ' ' && text.data[i] != '\t') return false;
    }
    return true;
}

static void remember(struct terminal *terminal, const char *line) {
    HistEvent event;
    if (terminal->history) history(terminal->history, &event, H_ENTER, line);
}

static void begin_prompt(struct terminal *terminal) {
    el_resize(terminal->edit);
    if (!terminal->welcomed) say(terminal, console_setup(terminal->console)->welcome);
    terminal->welcomed = true;
}

enum input terminal_read(struct terminal *terminal, struct rp_str *out_line) {
    if (!terminal->edit) return INPUT_END;
    begin_prompt(terminal);
    for (;;) {
        int count = 0;
        terminal_watch(terminal); /* the editor stops the echo only behind its prompt: too late for fast typists */
        const char *line = el_gets(terminal->edit, &count);
        if (!console_may_read(terminal->console)) return INPUT_STOPPED;
        if (terminal->interrupted && !interrupted_twice(terminal)) continue;
        if (!line) {
            say(terminal, "\n");
            return INPUT_END;
        }
        terminal->warned = false;
        *out_line = without_end(line);
        if (blank(*out_line)) continue;
        remember(terminal, line);
        return INPUT_LINE;
    }
}

/* ---- the history file -------------------------------------------------------------------------------------------- */

/* $XDG_STATE_HOME/repartee/history, the folders made where they are missing. NULL: there is no place for it. */
static char *find_history_file(void) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char path[PATH_MAX];
    int len;
    if (state && state[0] == '/') len = snprintf(path, sizeof path, "%s/repartee/history", state);
    else if (home && home[0] == '/') len = snprintf(path, sizeof path, "%s/.local/state/repartee/history", home);
    else return NULL;
    if (len >= (int)sizeof path) return NULL;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) && errno != EEXIST) return NULL;
        *slash = '/';
    }
    return rp_strdup(path);
}

static void open_history(struct terminal *terminal) {
    HistEvent event;
    terminal->history = history_init();
    if (!terminal->history) return;
    history(terminal->history, &event, H_SETSIZE, HISTORY_MAX);
    history(terminal->history, &event, H_SETUNIQUE, 1);
    terminal->history_file = find_history_file();
    if (terminal->history_file) history(terminal->history, &event, H_LOAD, terminal->history_file);
    el_set(terminal->edit, EL_HIST, history, terminal->history);
}

static void close_history(struct terminal *terminal) {
    HistEvent event;
    if (!terminal->history) return;
    if (terminal->history_file) history(terminal->history, &event, H_SAVE, terminal->history_file);
    history_end(terminal->history);
    free(terminal->history_file);
}

/* ---- making and freeing ------------------------------------------------------------------------------------------ */

/* What is typed is UTF-8, whatever the environment says; for this thread only, as the rest of the process has no
 * locale. */
static locale_t utf8_locale(void) {
    static const char *const names[] = {"", "C.UTF-8", "en_US.UTF-8", "UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        locale_t locale = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
        if (!locale) continue;
        if (strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0) return locale;
        freelocale(locale);
    }
    return (locale_t)0;
}

static void set_up_editor(struct terminal *terminal) {
    el_set(terminal->edit, EL_CLIENTDATA, terminal);
    el_set(terminal->edit, EL_PROMPT, prompt);
    el_set(terminal->edit, EL_EDITOR, "emacs");
    el_set(terminal->edit, EL_SIGNAL, 0);
    el_source(terminal->edit, NULL); /* ~/.editrc */
    el_set(terminal->edit, EL_GETCFN, on_key);
    el_set(terminal->edit, EL_SETTY, "-d", "intr=", NULL); /* its own modes know Ctrl-C as a signal */
    el_set(terminal->edit, EL_SETTY, "-x", "intr=", NULL);
    el_set(terminal->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

struct terminal *terminal_create(struct console *console) {
    struct terminal *terminal = rp_calloc(1, sizeof *terminal);
    terminal->console = console;
    rp_buf_init(&terminal->ahead, AHEAD_MAX);
    terminal->locale = utf8_locale();
    if (terminal->locale) terminal->locale_before = uselocale(terminal->locale);
    tcgetattr(STDIN_FILENO, &terminal->before);
    terminal->ours = terminal->before;
    terminal->ours.c_cc[VINTR] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal->ours); /* the editor takes over what it finds */
    terminal->edit = el_init("repartee", stdin, stdout, stderr);
    if (!terminal->edit) return terminal;
    set_up_editor(terminal);
    open_history(terminal);
    return terminal;
}

void terminal_destroy(struct terminal *terminal) {
    if (!terminal) return;
    close_history(terminal);
    if (terminal->edit) el_end(terminal->edit);
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal->before);
    if (terminal->locale) {
        uselocale(terminal->locale_before);
        freelocale(terminal->locale);
    }
    rp_buf_finish(&terminal->ahead);
    free(terminal);
}
