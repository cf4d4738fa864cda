;; What Emacs knows of the model, by Eglot's own functions, as scripts/try-editors.ts reads it.  -*- lexical-binding: t -*-
(require 'eglot)
(setq eglot-sync-connect 60
      eglot-confirm-server-initiated-edits nil)

(defun try-say (what text) (princ (format "%s: %s\n" what text)))

(defun try-await (what ready)
  (with-timeout (60 (try-say "never came" what) (kill-emacs 1))
    (while (not (funcall ready)) (accept-process-output nil 0.05))))

(try-say "version" emacs-version)
(find-file "m.lmg")
;; In batch mode no command comes after which the hook of the mode would connect.
(unless (eglot-current-server) (call-interactively #'eglot))
(try-await "the server" #'eglot-current-server)
(flymake-mode 1)
(flymake-start)
(try-await "a mistake" #'flymake-diagnostics)
(try-say "mistake" (flymake-diagnostic-text (car (flymake-diagnostics))))

(defun try-at (word)
  (goto-char (point-min))
  (search-forward word)
  (goto-char (match-beginning 0)))

(try-at "linear")
(try-say "hover" (plist-get (plist-get (jsonrpc-request (eglot-current-server) :textDocument/hover
                                                        (eglot--TextDocumentPositionParams))
                                       :contents)
                            :value))
(try-at "first")
(eglot-rename "head")
(goto-char (point-min))
(forward-line 2)
(try-say "renamed" (buffer-substring-no-properties (line-beginning-position) (line-end-position)))
(set-buffer-modified-p nil)
(eglot-shutdown (eglot-current-server))
