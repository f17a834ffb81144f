# repartee_add_plugin(NAME SOURCES file… [LIBRARIES target…])
#
# Builds NAME.so (no "lib" in front) against librepartee. In the source tree it lands in build/plugins/; elsewhere in
# the current build folder, from where `REPARTEE_PLUGIN_PATH` or `plugins { path = … }` finds it. Installing puts it
# among repartee's own plugins.
function(repartee_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE repartee::repartee ${arg_LIBRARIES})
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so" C_VISIBILITY_PRESET hidden)
  if(REPARTEE_PLUGIN_OUTPUT)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${REPARTEE_PLUGIN_OUTPUT})
    install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/repartee/plugins)
  elseif(REPARTEE_PLUGIN_FOLDER)
    install(TARGETS ${name} LIBRARY DESTINATION ${REPARTEE_PLUGIN_FOLDER})
  endif()
endfunction()
