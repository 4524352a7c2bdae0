//! The model as tokens. The user's function stays as written, under its own name, inside the test of the same name: snapshot
//! tools derive names from the innermost function, and the compiler's messages point at the user's lines.

use crate::model::{Argument, Isolation, Keep, Migrations, Requirement, Runtime, Settings, TestModel};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemFn, Result, ReturnType};

/// `#[mori::test(attribute)] item`.
pub(crate) fn test(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let function: ItemFn = syn::parse2(item)?;
    TestModel::new(attribute, function).map(|model| expand(&model))
}

fn expand(model: &TestModel) -> TokenStream {
    let TestModel {
        arguments,
        function,
        attributes,
        ..
    } = model;
    let (vis, name, output) = (&function.vis, &function.sig.ident, &function.sig.output);
    let inner = ItemFn {
        vis: syn::Visibility::Inherited,
        ..function.clone()
    };
    let spec = spec(model);
    let runner = runner(model);
    let returned = match output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    };
    let seed = model
        .settings
        .seed
        .as_ref()
        .map(|seed| quote_spanned!(seed.span()=> __lanes.seed(#seed).await?;));
    let given = arguments.iter().enumerate().map(|(index, argument)| {
        let ty = &argument.ty;
        quote_spanned!(ty.span()=> <#ty as ::mori::FromLane>::from_lane(__lanes.db(#index)).await?)
    });
    let names: Vec<_> = (0..arguments.len()).map(|index| format_ident!("__argument_{index}")).collect();
    quote! {
        #(#attributes)*
        #[::core::prelude::v1::test]
        #vis fn #name() #output {
            #inner
            const __MORI_SPEC: ::mori::__private::Spec = #spec;
            ::mori::__private::#runner::<#returned, _, _, _>(
                &__MORI_SPEC,
                async |__lanes: ::mori::__private::Lanes| {
                    #seed
                    ::core::result::Result::<_, ::mori::HarnessError>::Ok((#(#given,)*))
                },
                |(#(#names,)*)| #name(#(#names),*),
            )
        }
    }
}

fn runner(model: &TestModel) -> TokenStream {
    match (model.function.sig.asyncness, model.settings.timeout_ms) {
        (Some(_), _) => quote!(run_async),
        (None, None) => quote!(run_sync),
        (None, Some(_)) => quote!(run_sync_within),
    }
}

/// The constant that says what the user wrote. Keys the user left out are left to `Spec::new`.
fn spec(model: &TestModel) -> TokenStream {
    let Settings {
        db,
        migrations,
        fixtures,
        seed: _,
        isolation,
        read_only,
        keep,
        timeout_ms,
        max_connections,
        max_statements,
        requires,
        runtime,
    } = &model.settings;
    let name = model.function.sig.ident.to_string();
    let name = name.strip_prefix("r#").unwrap_or(&name);
    let mut fields = Vec::new();
    if let Some(migrations) = migrations {
        let value = match migrations {
            Migrations::Folder(path) => quote!(::mori::__private::Migrations::Folder(#path)),
            Migrations::Off => quote!(::mori::__private::Migrations::Off),
        };
        fields.push(quote!(migrations: #value));
    }
    if !fixtures.is_empty() {
        fields.push(quote!(fixtures: &[#(#fixtures),*]));
    }
    if let Some(isolation) = isolation {
        let word = match isolation {
            Isolation::Cow => quote!(Cow),
            Isolation::Clone => quote!(Clone),
        };
        fields.push(quote!(isolation: ::mori::__private::Isolation::#word));
    }
    if *read_only {
        fields.push(quote!(access: ::mori::__private::Access::ReadOnly));
    }
    if let Some(keep) = keep {
        let word = match keep {
            Keep::OnFailure => quote!(OnFailure),
            Keep::Always => quote!(Always),
            Keep::Never => quote!(Never),
        };
        fields.push(quote!(keep: ::core::option::Option::Some(::mori::__private::Keep::#word)));
    }
    if let Some(milliseconds) = timeout_ms {
        fields.push(quote!(timeout: ::core::option::Option::Some(::core::time::Duration::from_millis(#milliseconds))));
    }
    if let Some(max) = max_connections {
        fields.push(quote!(max_connections: ::core::option::Option::Some(#max)));
    }
    if let Some(max) = max_statements {
        fields.push(quote!(max_statements: ::core::option::Option::Some(#max)));
    }
    if !requires.is_empty() {
        let requires = requires.iter().map(requirement);
        fields.push(quote!(requires: &[#(::mori::__private::Requirement::#requires),*]));
    }
    if let Some(runtime) = runtime {
        let value = match runtime {
            Runtime::CurrentThread => quote!(CurrentThread),
            Runtime::MultiThread { worker_threads: None } => quote!(MultiThread {
                worker_threads: ::core::option::Option::None
            }),
            Runtime::MultiThread {
                worker_threads: Some(count),
            } => {
                quote!(MultiThread { worker_threads: ::core::option::Option::Some(#count) })
            }
        };
        fields.push(quote!(flavor: ::mori::__private::Flavor::#value));
    }
    if model.should_panic {
        fields.push(quote!(ending: ::mori::__private::Ending::Panic));
    }
    let arguments = model.arguments.iter().map(|argument| self::argument(argument, db.as_ref()));
    quote! {
        ::mori::__private::Spec {
            #(#fields,)*
            ..::mori::__private::Spec::new(::mori::__source!(#name), &[#(#arguments),*])
        }
    }
}

fn argument(argument: &Argument, default_db: Option<&syn::LitStr>) -> TokenStream {
    let ty = &argument.ty;
    let engine = quote_spanned!(ty.span()=> <#ty as ::mori::FromLane>::ENGINE);
    match argument.db.as_ref().or(default_db) {
        Some(db) => quote!(::mori::__private::Argument::named(#db, #engine)),
        None => quote!(::mori::__private::Argument::unnamed(#engine)),
    }
}

fn requirement(requirement: &Requirement) -> TokenStream {
    match requirement {
        Requirement::Env(name) => quote!(Env(#name)),
        Requirement::Engine(name) => quote!(Engine(#name)),
        Requirement::Docker => quote!(Docker),
    }
}

#[cfg(test)]
#[path = "expand_tests.rs"]
mod tests;
