import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "out/", "node_modules/", "coverage/", "**/*.js", "**/*.mjs"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      // `noUncheckedIndexedAccess` makes every typed-array read `number | undefined`; kernels index in proven bounds.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unnecessary-condition": ["error", { allowConstantLoopConditions: true }],
      "@typescript-eslint/prefer-literal-enum-member": "off",
      "no-restricted-syntax": ["error", "TSEnumDeclaration"],
    },
  },
  {
    files: ["src/**/*.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        "TSEnumDeclaration",
        {
          selector:
            "CallExpression[callee.property.name=/^(max|min|hypot|push|unshift|splice|concat|fromCharCode|fromCodePoint|of)$/] > SpreadElement",
          message:
            "Each item becomes an argument, of which V8 takes some 120,000: use `largest`, `smallest` or `append` of support/lists.ts.",
        },
      ],
    },
  },
  {
    files: ["test/**/*.test.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        "TSEnumDeclaration",
        {
          selector:
            "AwaitExpression > CallExpression[callee.property.name=/^(textContent|innerText|innerHTML|allTextContents|allInnerTexts|count|getAttribute|inputValue|evaluateAll|isChecked|isDisabled|isEditable|isEnabled|isHidden|isVisible)$/]",
          message:
            "What a page shows changes with time, and this reads it once: wait for what is expected, by `shown` of test/browser/shown.ts.",
        },
      ],
    },
  },
);
